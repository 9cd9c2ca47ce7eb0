using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.Simulation;

/// <summary>
/// Redrives under everything that can go wrong: live is what a batch is, and a dead letter is folded once, however often it is redriven.
/// </summary>
public sealed class RedriveLawTests
{
    [Fact]
    public async Task A_batch_folds_a_dead_letter_once_by_a_model_that_knows_nothing_of_the_fold()
    {
        var folded = 0;
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var topology = new TopologyBuilder().AddEntity<Item>(item => item.FromTopic(Topologies.Items))
                .AddEntity<Person>(person => person.FromTopic(Topologies.People)).Build();
            var log = await RedriveRecords.WriteAsync(random, 1, 1, 150);
            var expected = new SortedDictionary<string, Item>(ActorStreams.States.KeyOrder.Instance);
            folded += await ModelAsync(log, expected);
            var batch = await new BatchRunner(topology, log).RunAsync();
            Assert.True(
                expected.SequenceEqual(batch.States<Item>()),
                $"Seed {seed}:\n{string.Join('\n', expected)}\nbatch:\n{string.Join('\n', batch.States<Item>())}");
        }

        Assert.True(folded > 300, $"Only {folded} dead letters were folded by a redrive.");
    }

    [Fact]
    public async Task After_a_fix_every_dead_letter_is_folded_once_live_and_in_a_rebuild()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var partitions = random.Next(1, 4);
            var topology = new TopologyBuilder().AddEntity<Fixable>(entity => entity.WithPartitions(partitions))
                .AddView<FixableTotal>(view => view.WithPartitions(random.Next(1, 3))).Build();
            var (records, sum, bad) = RandomFixable(random, partitions);

            Fixable.IsFixed = false;
            var scenario = new Scenario(seed) { Events = random.Next(50, 600), Silos = 2, Faults = Faults.All & ~Faults.Poison };
            var before = await RunAsync(new(scenario, topology, records));
            // The definitions change between two lives of the cluster, and redrives come twice and thrice, among crashes.
            Fixable.IsFixed = true;
            var letters = bad.Concat(bad.Where(_ => random.Next(2) == 0)).Concat(bad.Where(_ => random.Next(3) == 0))
                .OrderBy(_ => random.Next());
            List<(string, NewRecord)> redrives = [];
            foreach (var letter in letters)
                redrives.Add(("fixable", await RedriveRecords.OfAsync(before.Log.Storage, letter)));
            var after = await RunAsync(new(scenario with { Seed = -seed }, topology, redrives) { Log = before.Log, Store = before.Store });

            var json = Checks.States(after, topology.Of<FixableTotal>())["all"];
            var total = JsonSerializer.Deserialize<FixableTotal>(json, topology.Of<FixableTotal>().Json)!;
            Assert.True(
                total == new FixableTotal(records.Count, sum),
                $"Seed {seed}: {total}, but {records.Count} records of the sum {sum} with {bad.Count} dead letters.");
        }
    }

    /// <summary>Runs a simulation to its end; at its end the states are those of a batch.</summary>
    private static async Task<Simulation> RunAsync(Simulation simulation)
    {
        simulation.Run();
        var batch = await new BatchRunner(simulation.Topology, simulation.Log.Storage).RunAsync();
        var fault = simulation.Failure ?? Checks.Differences(simulation, batch).FirstOrDefault();
        Assert.True(fault is null, $"{simulation.Scenario}: {fault}");
        return simulation;
    }

    /// <summary>Records of which every fourth value meets the bug, and the dead letters that it makes.</summary>
    private static (List<(string Topic, NewRecord Record)> Records, long Sum, List<DeadLetterId> Bad) RandomFixable(
        Random random, int partitions)
    {
        var (sum, bad, records, ends) = (0L, new List<DeadLetterId>(), new List<(string, NewRecord)>(), new long[partitions]);
        for (var i = random.Next(20, 80); i > 0; i--)
        {
            var (key, value) = ($"k{random.Next(9)}", random.Next(100));
            var partition = Partitioner.PartitionOf(key, partitions);
            records.Add(("fixable", new()
            {
                Partition = partition,
                Timestamp = 1_000 - i,
                Key = System.Text.Encoding.UTF8.GetBytes(key),
                Value = JsonSerializer.SerializeToUtf8Bytes(new FixableEvent(value), JsonSerializerOptions.Web),
            }));
            sum += value;
            if (value % 4 == 0)
                bad.Add(new("fixable", new("fixable", partition, ends[partition]), 0));
            ends[partition]++;
        }

        return (records, sum, bad);
    }

    /// <summary>One partition of items, folded in the plainest way. How many dead letters a redrive folded.</summary>
    private static async Task<int> ModelAsync(InMemoryChangeLog log, SortedDictionary<string, Item> states)
    {
        var (open, folded) = (new HashSet<long>(), 0);
        await foreach (var batch in log.ReadRangeAsync(
            new(Topologies.Items, 0), 0, (await log.OffsetsAsync(Topologies.Items))[0].End, ReadLimits.Default))
        {
            foreach (var record in batch.Records)
            {
                var (header, key) = (Redrive.TextOf(record), System.Text.Encoding.UTF8.GetString(record.Key!.Value.Span));
                var named = DeadLetterId.TryParse(header, out var id) ? id : default;
                if (header is not null && named.Dataset is null)
                    open.Add(record.Offset);
                if (header is not null && (named.Dataset != "item" || !open.Contains(named.Position.Offset)))
                    continue;
                try
                {
                    var put = JsonSerializer.Deserialize<Put>(record.Value!.Value.Span, JsonSerializerOptions.Web)!;
                    var state = Item.Apply(
                        states.GetValueOrDefault(key),
                        new() { Key = key, Value = put, Time = DateTimeOffset.FromUnixTimeMilliseconds(record.Timestamp) });
                    states.Remove(key);
                    if (state is not null)
                        states[key] = state;
                    folded += header is not null && open.Remove(named.Position.Offset) ? 1 : 0;
                }
                catch (Exception)
                {
                    if (header is null)
                        open.Add(record.Offset);
                }
            }
        }

        return folded;
    }

    internal sealed record FixableEvent(int Value);

    /// <summary>An entity with a bug that is mended later.</summary>
    internal sealed record Fixable(long Count, long Sum) : IEntity<Fixable, FixableEvent>
    {
        internal static bool IsFixed { get; set; }

        public static Fixable? Apply(Fixable? state, in Record<FixableEvent> record) => !IsFixed && record.Value.Value % 4 == 0
            ? throw new InvalidOperationException("A bug.")
            : new((state?.Count ?? 0) + 1, (state?.Sum ?? 0) + record.Value.Value);
    }

    internal sealed record FixableTotal(long Count, long Sum) : IView<FixableTotal, Fixable>
    {
        public static IEnumerable<string> KeysOf(string key, Fixable source) => ["all"];

        public static FixableTotal? Apply(FixableTotal? state, in Change<Fixable> change) =>
            new((state?.Count ?? 0) + change.Sum(one => one.Count), (state?.Sum ?? 0) + change.Sum(one => one.Sum));
    }
}
