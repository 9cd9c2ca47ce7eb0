using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.Client.Calls;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Protocol;
using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.DeadLetters;

/// <summary>
/// Poison among good records: set aside, and folded exactly once when the definitions are mended, in a silo that is killed all the while.
/// </summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class PoisonTests : EndToEndTest
{
    private const int Good = 10_000;
    private const int Poison = 1_000;

    [Fact]
    public async Task A_thousand_poison_records_of_ten_kinds_are_set_aside_and_redriven_exactly_once_under_kills()
    {
        var random = NewRandom();
        var (records, silo) =
            (new PoisonRecords(random), Keep(new SiloProcess { Program = ["ActorStreams.Tests.dll", PoisonSilo.Command] }));
        await records.WriteAsync(silo.Data, Good, Poison);

        await FoldUnderKillsAsync(silo, random);
        await AssertSetAsideAsync(silo, records);

        // The definitions change between a clean stop and the next start.
        Assert.Equal(0, await silo.StopAsync());
        silo.Variables[PoisonSilo.FixedVariable] = "true";
        await silo.StartAsync();
        var kills = await RedriveUnderKillsAsync(silo, records, random);
        await AssertFoldedOnceAsync(silo, records);
        Print($"{kills} kills while redriving");

        // The log says the same by itself: in a batch, and when everything is folded anew.
        var live = await silo.AllAsync("ledger");
        Assert.Equal(0, await silo.StopAsync());
        await AssertBatchAsync(silo, live);
        await silo.StartAsync("--rebuild");
        await silo.CaughtUpAsync(PoisonRecords.Topic);
        await AssertFoldedOnceAsync(silo, records);
    }

    [Fact]
    public async Task A_record_without_a_key_is_not_redriven_by_its_id_either()
    {
        var silo = NewSilo();
        using (var directory = DataDirectory.Open(silo.Data))
        {
            await using var log = SqliteChangeLog.Open(new() { Path = directory.FilePath("log.db") });
            await log.CreateTopicAsync("shop.orders", 1);
            await log.AppendAsync("shop.orders", [new() { Partition = 0, Timestamp = 1, Value = "{}"u8.ToArray() }]);
        }

        await silo.StartAsync();
        DeadLetterInfo? letter = null;
        await UntilAsync(
            async () => (letter = (await silo.Client.Operations.DeadLettersAsync("order").ToListAsync()).SingleOrDefault()) is not null,
            "the dead letter");
        var outcome = await silo.Client.Operations.RedriveAsync([letter!.Id]);
        Assert.Empty(outcome.Appended);
        Assert.Contains("has no key", Assert.Single(outcome.Refused).Reason, StringComparison.Ordinal);
    }

    private static async Task FoldUnderKillsAsync(SiloProcess silo, Random random)
    {
        for (var kill = 1; kill <= 3; kill++)
        {
            await silo.StartAsync("--Streams:CheckpointIntervalSeconds=0.1", "--Streams:BatchRecords=200");
            await Task.Delay(random.Next(50, 900));
            await silo.KillAsync();
        }

        await silo.StartAsync();
        await silo.CaughtUpAsync(PoisonRecords.Topic);
    }

    private static async Task AssertSetAsideAsync(SiloProcess silo, PoisonRecords records)
    {
        var letters = await silo.Client.Operations.DeadLettersAsync("ledger", DeadLetterState.Open).ToListAsync();
        var byPosition = letters.DistinctBy(letter => letter.Id).ToDictionary(letter => letter.Position);
        Assert.Equal(records.Poison.Keys.Order(Comparer), byPosition.Keys.Order(Comparer));
        foreach (var (position, kind) in records.Poison)
            Assert.Contains(PoisonRecords.Kinds[kind].Reason, byPosition[position].Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(letters, letter => !letter.CanRedrive);
        Assert.Equal(Poison, (await silo.Client.Operations.PartitionsAsync("ledger")).Sum(partition => partition.OpenDeadLetters));
        await AssertStatesAsync(silo, records.Good);
    }

    private static async Task<int> RedriveUnderKillsAsync(SiloProcess silo, PoisonRecords records, Random random)
    {
        var ids = records.Poison.Keys.Select(position => $"ledger@{position}#0").ToArray();
        var kills = 0;
        for (var open = Poison; open > 0 && kills < 8; kills++)
        {
            // Two press the button at the same time, and one of them for some again that were done before.
            random.Shuffle(ids);
            var pressed = new[]
            {
                TryAsync(() => silo.Client.Operations.RedriveOpenAsync("ledger", dryRun: false)),
                TryAsync(() => silo.Client.Operations.RedriveAsync(ids[..300])),
            };
            await Task.Delay(random.Next(20, 1_200));
            await silo.KillAsync();
            await Task.WhenAll(pressed);
            await silo.StartAsync("--Streams:CheckpointIntervalSeconds=0.1");
            await silo.CaughtUpAsync(PoisonRecords.Topic);
            open = (int)(await silo.Client.Operations.PartitionsAsync("ledger")).Sum(partition => partition.OpenDeadLetters);
            Print($"after kill {kills + 1}: {open} open");
        }

        var rest = await silo.Client.Operations.RedriveOpenAsync(null, dryRun: false);
        Assert.Empty(rest.Refused);
        var again = await silo.Client.Operations.RedriveOpenAsync(null, dryRun: false);
        Assert.Empty(again.Appended);
        Assert.Equal(ids.Order(StringComparer.Ordinal), again.Done.Distinct().Order(StringComparer.Ordinal));
        return kills;
    }

    private static async Task AssertFoldedOnceAsync(SiloProcess silo, PoisonRecords records)
    {
        await silo.CaughtUpAsync(PoisonRecords.Topic);
        await AssertStatesAsync(silo, records.All);
        Assert.Equal(0, (await silo.Client.Operations.PartitionsAsync("ledger")).Sum(partition => partition.OpenDeadLetters));
        Assert.Empty(await silo.Client.Operations.DeadLettersAsync("ledger", DeadLetterState.Open).ToListAsync());
    }

    /// <summary>Every ledger, and the books of them.</summary>
    private static async Task AssertStatesAsync(SiloProcess silo, Dictionary<string, (int Records, long Checksum)> expected)
    {
        var ledgers = (await silo.AllAsync("ledger"))
            .ToDictionary(pair => pair.Key, pair => JsonSerializer.Deserialize<Ledger>(pair.Value, JsonSerializerOptions.Web)!);
        Assert.Equal(
            expected.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value.Records, pair.Value.Checksum)),
            ledgers.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value.Records, pair.Value.Checksum)));
        foreach (var (key, json) in await silo.AllAsync("book"))
        {
            var of = expected.Where(pair => pair.Key.StartsWith(key, StringComparison.Ordinal)).ToList();
            Assert.Equal(
                new Book(of.Count, of.Sum(pair => (long)pair.Value.Records), of.Sum(pair => pair.Value.Checksum)),
                JsonSerializer.Deserialize<Book>(json, JsonSerializerOptions.Web));
        }
    }

    private static async Task AssertBatchAsync(SiloProcess silo, SortedDictionary<string, string> live)
    {
        Ledger.IsFixed = true;
        var topology = new TopologyBuilder();
        Ledger.AddTo(topology);
        using var directory = DataDirectory.Open(silo.Data);
        await using var log = SqliteChangeLog.Open(new() { Path = directory.FilePath("log.db") });
        var batch = await new BatchRunner(topology.Build(), log).RunAsync();
        Assert.Empty(batch.DeadLetters);
        Assert.Equal(
            live.Select(pair => pair.Key + pair.Value),
            batch.Json("ledger").Select(pair => pair.Key + System.Text.Encoding.UTF8.GetString(pair.Value)));
    }

    private static async Task TryAsync(Func<Task<RedriveInfo>> redrive)
    {
        try
        {
            await redrive();
        }
        catch (ActorStreamsException)
        {
            // The silo was killed meanwhile.
        }
    }

    private static Comparer<Position> Comparer { get; } =
        Comparer<Position>.Create((a, b) => (a.Partition, a.Offset).CompareTo((b.Partition, b.Offset)));
}
