using ActorStreams.Definitions;
using System.Text.Json;
using ActorStreams.Client.Loading;
using ActorStreams.Log;
using ActorStreams.Samples.GitHistory;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Tests.Log;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>
/// A silo that is killed again and again while a history is loaded. Each life takes its own random options, so that between the kills there
/// are evictions, reads of what was evicted, and checkpoints of all sizes. <c>KILLS=20</c> for more.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class CrashTests : EndToEndTest
{
    private static readonly int Kills = Number("KILLS", 2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_silo_killed_over_and_over_while_loading_ends_with_the_same_states_and_its_watchers_miss_nothing()
    {
        var (input, random) = (GitInput.Instance, NewRandom());
        var busiest = input.Lines.GroupBy(line => line.GetProperty("path").GetString()!).MaxBy(file => file.Count())!.Key;
        var silo = NewSilo();
        await silo.StartAsync(RandomSettings(random));
        await using SeenChanges root = new(silo, "folder", "."),
            file = new(silo, "file", busiest), board = new(silo, "leaderboard", Leaderboard.Key);
        SeenChanges[] watchers = [root, file, board];
        await Task.WhenAll(watchers.Select(watcher => watcher.Begun));

        var kills = await LoadUnderKillsAsync(silo, input, random);

        await silo.CaughtUpAsync(GitInput.Topic);
        var live = new Dictionary<string, SortedDictionary<string, string>>();
        foreach (var dataset in GitInput.Datasets)
            live[dataset] = await silo.AllAsync(dataset);
        SameStates.Check(await input.BatchAsync(), live);
        foreach (var watcher in watchers)
        {
            await watcher.ReachesAsync(live[watcher.Dataset].GetValueOrDefault(watcher.Key), Patience);
            watcher.CheckChain();
            Assert.Equal(await HistoryAsync(silo, watcher), watcher.Changes);
        }

        Assert.Equal(ChangesOf(input, busiest), file.Changes.Select(change => (change.Before, change.After)));
        Print($"{kills} kills; changes watched: {string.Join(", ", watchers.Select(w => $"{w.Dataset} '{w.Key}' {w.Changes.Count:N0}"))}");
        await silo.StopAsync();
        await AssertSourceAsync(silo, input);
    }

    /// <summary>Loads all of the input, of which each part is held back until the silo was killed during the part before.</summary>
    private static async Task<int> LoadUnderKillsAsync(SiloProcess silo, GitInput input, Random random)
    {
        var source = new PacedSource(input.Source());
        var loader = new ExactLoader(silo.Client, GitInput.Topic, new() { SettleMilliseconds = 60 });
        var loading = loader.LoadAsync(source);
        var part = input.Lines.Count / (Kills + 1);
        for (var kill = 0; kill < Kills; kill++)
        {
            source.OpenTo((kill + 1) * (long)part);
            var landed = (kill * part) + (long)(random.NextDouble() * 0.6 * part);
            while (loader.Appended < landed && !loading.IsCompleted)
                await Task.Delay(2);
            await Task.Delay(random.Next(3) == 0 ? random.Next(700) : random.Next(80));
            Assert.False(
                loading.IsCompleted, $"The load ended before kill {kill + 1}, with {loader.Appended} records: {loading.Exception}");
            await silo.KillAsync();
            silo.Launch(RandomSettings(random));
            if (random.Next(5) == 0)
            {
                // Killed again while it starts.
                await Task.Delay(random.Next(300, 3_000));
                await silo.KillAsync();
                silo.Launch(RandomSettings(random));
            }

            await silo.ReadyAsync();
        }

        await silo.KillAsync();
        await silo.StartAsync();
        source.OpenTo(long.MaxValue);
        Assert.Equal(input.Lines.Count, (await loading).Records);
        return Kills + 1;
    }

    private static string[] RandomSettings(Random random) =>
    [
        $"--Streams:CheckpointIntervalSeconds={One(random, "0.05", "0.2", "1", "30")}",
        $"--Streams:TableEntries={One(random, "40", "400", "100000")}",
        $"--Streams:BatchRecords={One(random, "7", "60", "1000")}",
        $"--Streams:MaxUnstoredStates={One(random, "10", "300", "20000")}",
    ];

    private static string One(Random random, params string[] values) => values[random.Next(values.Length)];

    /// <summary>All changes of a key, folded again from the log.</summary>
    private static async Task<List<SeenChange>> HistoryAsync(SiloProcess silo, SeenChanges watcher)
    {
        var info = (await silo.Client.DatasetsAsync()).Single(dataset => dataset.Name == watcher.Dataset);
        var (kind, key) =
            (info.Kind == DatasetKind.Entity ? "entities" : "views", watcher.Key.Replace(".", "%2E", StringComparison.Ordinal));
        var path = $"api/{kind}/{watcher.Dataset}/{key}";
        var (count, changes) = (watcher.Changes.Count, new List<SeenChange>());
        using var limit = new CancellationTokenSource(Patience);
        await foreach (var item in silo.EventsAsync(
            $"{path}?watch=true&since={Partitioner.PartitionOf(watcher.Key, info.Partitions)}:-1", stop: limit.Token))
        {
            changes.Add(SeenChange.Of(item));
            if (changes.Count == count)
                break;
        }

        return changes;
    }

    private static IEnumerable<(string?, string?)> ChangesOf(GitInput input, string path)
    {
        var json = new ActorStreams.Definitions.TopologyBuilder().Json;
        SourceFile? file = null;
        foreach (var line in input.Lines.Where(line => line.GetProperty("path").GetString() == path))
        {
            var change = line.Deserialize<FileChange>(json)!;
            var (before, time) = (file, DateTimeOffset.FromUnixTimeSeconds(change.Time));
            file = SourceFile.Apply(file, new() { Key = path, Value = change, Time = time });
            yield return (Text(before), Text(file));
        }

        string? Text(SourceFile? state) => state is null ? null : JsonSerializer.Serialize(state, json);
    }

    /// <summary>Each record once, each key's in the order of the input.</summary>
    private static async Task AssertSourceAsync(SiloProcess silo, GitInput input)
    {
        await using var log = SqliteChangeLog.Open(new() { Path = Path.Combine(silo.Data, "log.db") });
        var expected = await input.ToLogAsync();
        for (var partition = 0; partition < 4; partition++)
        {
            var wanted = await expected.ReadToEndAsync(new(GitInput.Topic, partition));
            var found = await log.ReadToEndAsync(new(GitInput.Topic, partition));
            Assert.Equal(wanted.Count, found.Count);
            foreach (var (one, other) in wanted.Zip(found))
            {
                Assert.Equal((one.Key.Text(), one.Timestamp), (other.Key.Text(), other.Timestamp));
                Assert.True(
                    JsonElement.DeepEquals(JsonElement.Parse(one.Value!.Value.Span), JsonElement.Parse(other.Value!.Value.Span)),
                    other.Value.Text());
            }
        }
    }
}
