using System.Text;
using ActorStreams.Batch;
using ActorStreams.Client.Loading;
using ActorStreams.Protocol;
using ActorStreams.Samples.GitHistory;
using ActorStreams.Storage.Sqlite.Log;

namespace ActorStreams.Tests.EndToEnd;

public sealed class TrueTests : EndToEndTest
{
    [Fact]
    public async Task The_states_of_a_loaded_history_are_what_git_counts_and_what_a_batch_folds()
    {
        var input = GitInput.Instance;
        var silo = await StartSiloAsync();

        var loaded = await new ExactLoader(silo.Client, GitInput.Topic).LoadAsync(input.Source());
        await silo.CaughtUpAsync(GitInput.Topic);

        Print($"{loaded.Records:N0} records{(input.IsReal ? "" : ", made up,")} loaded in {loaded.Seconds:N1} s");
        Assert.Equal(input.Lines.Count, loaded.Records);
        await AssertTotalsAsync(silo, input);
        await AssertLeaderboardAsync(silo);
        var live = new Dictionary<string, SortedDictionary<string, string>>();
        foreach (var dataset in GitInput.Datasets)
            live[dataset] = await silo.AllAsync(dataset);
        Assert.Equal(0, await silo.StopAsync());
        await using var log = SqliteChangeLog.Open(new() { Path = Path.Combine(silo.Data, "log.db") });
        SameStates.Check(await new BatchRunner(GitInput.NewTopology(), log).RunAsync(), live);
    }

    private static async Task AssertTotalsAsync(SiloProcess silo, GitInput input)
    {
        var root = (await silo.Client.GetAsync<Folder>("folder", "."))!.State;
        Assert.Equal(new(input.LinesOf.Count, input.LinesOf.Values.Sum()), root);
        if (input.IsReal)
            Assert.Equal(new(5_332, 673_868), root);
        var authors = await silo.Client.ListAsync<Author>("author").Select(item => item.State).ToListAsync();
        Assert.Equal(root, new(authors.Sum(a => a.Files), authors.Sum(a => a.Lines)));
        var extensions = await silo.Client.ListAsync<Extension>("extension").Select(item => item.State).ToListAsync();
        Assert.Equal(root, new(extensions.Sum(e => e.Files), extensions.Sum(e => e.Lines)));
        foreach (var info in (await silo.Client.DatasetsAsync()).Where(info => GitInput.Datasets.Contains(info.Name)))
            Assert.Equal((0, PartitionState.Running), (info.Behind!.Records, info.Status));
        Assert.Equal(input.LinesOf.Count, (await silo.Client.DatasetsAsync()).Single(info => info.Name == "file").States);
    }

    private static async Task AssertLeaderboardAsync(SiloProcess silo)
    {
        var authors = await silo.Client.ListAsync<Author>("author").ToListAsync();
        var best = authors.OrderByDescending(author => author.State.Lines).ThenBy(author => author.Key, StringComparer.Ordinal).Take(10);
        var board = await silo.Client.GetAsync<Leaderboard>("leaderboard", Leaderboard.Key);
        Assert.Equal(
            best.Select(author => (author.Key, author.State.Lines)), board!.State.Authors.Select(author => (author.Key, author.Value)));
    }
}

/// <summary>Compares live states with those of a batch, byte by byte.</summary>
internal static class SameStates
{
    internal static void Check(BatchResult batch, IReadOnlyDictionary<string, SortedDictionary<string, string>> live)
    {
        foreach (var (dataset, states) in live)
        {
            var expected = batch.Json(dataset).ToDictionary(state => state.Key, state => Encoding.UTF8.GetString(state.Value));
            foreach (var (key, state) in expected)
                Assert.True(
                    states.TryGetValue(key, out var found) && found == state,
                    $"{dataset} '{key}' is {states.GetValueOrDefault(key, "missing")}, but a batch has {state}.");
            foreach (var key in states.Keys)
                Assert.True(expected.ContainsKey(key), $"{dataset} '{key}' is {states[key]}, but a batch has no such key.");
        }

        Assert.Empty(batch.DeadLetters);
    }
}
