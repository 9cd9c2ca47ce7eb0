using System.Text;
using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Tests.Simulation.Ports;

namespace ActorStreams.Tests.Simulation;

/// <summary>
/// A dataset that stops at bad records, under everything that can go wrong: each partition stands before its first one with all that came
/// before it stored and routed, and folds on once the definition is mended.
/// </summary>
public sealed class StopLawTests
{
    private const string Topic = "strict";

    [Fact]
    public void A_partition_stands_before_its_first_bad_record_and_folds_on_once_the_definition_is_mended()
    {
        var stopped = 0;
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var partitions = random.Next(1, 4);
            var topology = new TopologyBuilder()
                .AddEntity<Strict>(entity => entity.FromTopic(Topic).WithPartitions(partitions).OnBadRecord(BadRecords.Stop))
                .AddView<StrictTotal>(view => view.WithPartitions(random.Next(1, 3))).Build();
            var records = RandomRecords(random, partitions);
            var scenario = new Scenario(seed) { Events = random.Next(50, 900), Silos = 2, Faults = Faults.All & ~Faults.Poison };

            Strict.IsMended = false;
            var before = new Simulation(scenario, topology, records.Select(record => (Topic, record.Record)));
            before.Run();
            var good = records.Where(record => record.Offset < FirstBad(records, record.Record.Partition)).ToList();
            Nothing(before.Failure ?? Difference(before, good), seed);
            stopped += good.Count < records.Count ? 1 : 0;

            Strict.IsMended = true;
            var after = new Simulation(scenario with { Seed = -seed }, topology, []) { Log = before.Log, Store = before.Store };
            after.Run();
            Nothing(after.Failure ?? Difference(after, records), seed);
        }

        Assert.True(stopped > 50, $"Only {stopped} runs had a bad record.");
    }

    private static void Nothing(string? fault, int seed) => Assert.True(fault is null, $"Seed {seed}: {fault}");

    /// <summary>Where the checkpoints and states are not those of some records, by a model that knows nothing of the fold.</summary>
    private static string? Difference(Simulation simulation, List<StrictRecord> folded)
    {
        foreach (var (dataset, partition) in simulation.Partitions.Where(place => place.Dataset.Kind == DatasetKind.Entity))
        {
            var position = SimLog.Now(simulation.Store.ReadCheckpointAsync(new(dataset.Name, dataset.Build, partition)))?.Position ?? 0;
            var count = folded.Count(record => record.Record.Partition == partition);
            if (position != count)
                return $"The checkpoint of partition {partition} is at {position} instead of {count}.";
        }

        var expected = new StrictTotal(folded.Count, folded.Sum(record => (long)record.Value));
        var view = simulation.Topology.Of<StrictTotal>();
        var total = Checks.States(simulation, view).TryGetValue("all", out var json)
            ? JsonSerializer.Deserialize<StrictTotal>(json, view.Json)!
            : new(0, 0);
        return total == expected ? null : $"The view is {total} instead of {expected}.";
    }

    private static long FirstBad(List<StrictRecord> records, int partition) => records
        .Where(record => record.Record.Partition == partition && Strict.IsBad(record.Value))
        .Select(record => (long?)record.Offset).FirstOrDefault() ?? long.MaxValue;

    private static List<StrictRecord> RandomRecords(Random random, int partitions)
    {
        var (records, ends) = (new List<StrictRecord>(), new long[partitions]);
        for (var i = random.Next(20, 80); i > 0; i--)
        {
            var (key, value) = ($"k{random.Next(9)}", random.Next(1_000));
            var partition = Partitioner.PartitionOf(key, partitions);
            var record = new NewRecord
            {
                Partition = partition,
                Timestamp = 1_000 - i,
                Key = Encoding.UTF8.GetBytes(key),
                Value = JsonSerializer.SerializeToUtf8Bytes(new StrictEvent(value), JsonSerializerOptions.Web),
            };
            records.Add(new(record, ends[partition]++, value));
        }

        return records;
    }

    internal sealed record StrictRecord(NewRecord Record, long Offset, int Value);

    internal sealed record StrictEvent(int Value);

    /// <summary>An entity with a bug that is mended later.</summary>
    internal sealed record Strict(long Count, long Sum) : IEntity<Strict, StrictEvent>
    {
        internal static bool IsMended { get; set; }

        internal static bool IsBad(int value) => value % 41 == 0;

        public static Strict? Apply(Strict? state, in Record<StrictEvent> record) => !IsMended && IsBad(record.Value.Value)
            ? throw new InvalidOperationException("A bug.")
            : new((state?.Count ?? 0) + 1, (state?.Sum ?? 0) + record.Value.Value);
    }

    internal sealed record StrictTotal(long Count, long Sum) : IView<StrictTotal, Strict>
    {
        public static IEnumerable<string> KeysOf(string key, Strict source) => ["all"];

        public static StrictTotal? Apply(StrictTotal? state, in Change<Strict> change) =>
            new((state?.Count ?? 0) + change.Sum(one => one.Count), (state?.Sum ?? 0) + change.Sum(one => one.Sum));
    }
}
