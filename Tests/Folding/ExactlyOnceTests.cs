using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.Folding;

/// <summary>The law of semantics §7 under everything §5 speaks of, on the real code: live state = batch state = as-of state.</summary>
public sealed class ExactlyOnceTests
{
    [Fact]
    public async Task After_crashes_zombies_and_late_appends_every_live_state_is_the_batch_state()
    {
        // More of them with ACTORSTREAMS_RUNS.
        var runs = int.Parse(Environment.GetEnvironmentVariable("ACTORSTREAMS_RUNS") ?? "1500", CultureInfo.InvariantCulture);
        for (var seed = 0; seed < runs; seed++)
            Nothing(await DifferenceAsync(seed), seed);
    }

    [Fact]
    public async Task Where_foreign_producers_put_their_keys_every_live_state_is_the_batch_state()
    {
        for (var seed = 0; seed < 300; seed++)
            Nothing(await DifferenceAsync(
                seed, partitionOf: (key, partitions) => Partitioner.PartitionOf(key, partitions, KeyPartitioner.Crc32)), seed);
    }

    [Fact]
    public async Task An_entity_that_stands_in_several_partitions_is_live_what_it_is_in_a_batch()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var partitioner = (KeyPartitioner)random.Next(3);
            var topology = new TopologyBuilder().AddEntity<Item>(item => item.FromTopic(Pool.Items).PartitionedBy(partitioner)).Build();
            var records = RandomLog.Records(random, 3, 1, random.Next(20, 120), (_, partitions) => random.Next(partitions));
            var world = new World(topology, await RandomLog.WriteAsync(records, 3, 1), random);
            await world.RunAsync(random.Next(50, 200));
            Nothing((await world.DifferencesAsync(await new BatchRunner(topology, world.Log).RunAsync())).FirstOrDefault(), seed);
        }
    }

    [Theory]
    [InlineData((int)Sabotage.NoMarks)]
    [InlineData((int)Sabotage.CheckpointBeforeAcks)]
    public async Task With_the_protocol_broken_most_runs_are_wrong(int sabotage)
    {
        const int Runs = 60;
        var wrong = 0;
        for (var seed = 0; seed < Runs; seed++)
            wrong += await DifferenceAsync(seed, (Sabotage)sabotage) is null ? 0 : 1;
        Assert.True(wrong > Runs / 2, $"Only {wrong} of {Runs} runs were wrong: the test would not notice a broken protocol.");
    }

    [Fact]
    public async Task A_batch_up_to_a_cut_is_what_was_live_when_the_log_ended_there()
    {
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            var topology = Pool.Random(random);
            var (items, people) = (random.Next(1, 4), random.Next(1, 3));
            var records = RandomLog.Records(random, items, people, random.Next(20, 90));
            var prefix = records.Take(random.Next(records.Count + 1)).ToList();
            var then = await RandomLog.WriteAsync(prefix, items, people);
            var now = await RandomLog.WriteAsync(records, items, people);
            var world = new World(topology, then, random);
            await world.RunAsync(random.Next(20, 150));
            var asOf = await new BatchRunner(topology, now).RunAsync(to: await then.CutAtEndAsync(topology.SourceTopics));
            Nothing((await world.DifferencesAsync(asOf)).FirstOrDefault(), seed);
        }
    }

    private static void Nothing(string? difference, int seed) => Assert.True(difference is null, $"Seed {seed}: {difference}");

    /// <summary>One random run; what is wrong in the end, or null.</summary>
    private static async Task<string?> DifferenceAsync(
        int seed, Sabotage sabotage = Sabotage.None, Func<string, int, int>? partitionOf = null)
    {
        var random = new Random(seed);
        var topology = Pool.Random(random);
        var (items, people) = (random.Next(1, 4), random.Next(1, 3));
        // A broken protocol is looked for in longer runs: it needs a crash at the wrong moment.
        var (records, steps) = sabotage == Sabotage.None ? (random.Next(20, 120), random.Next(50, 400)) : (250, 800);
        var log = await RandomLog.WriteAsync(RandomLog.Records(random, items, people, records, partitionOf), items, people);
        var world = new World(topology, log, random, sabotage);
        await world.RunAsync(steps);
        var batch = await new BatchRunner(topology, log).RunAsync();
        var differences = await world.DifferencesAsync(batch);
        return differences.Count > 0 ? differences[0] : OfFragile(topology, batch);
    }

    /// <summary>What a view holds whose fold throws at some sources is the fold of the others.</summary>
    private static string? OfFragile(Topology topology, BatchResult batch)
    {
        if (topology.Datasets.All(dataset => dataset.StateType != typeof(Fragile)))
            return null;
        var expected = batch.States<Item>().Values.Where(item => !Fragile.IsPoison(item)).GroupBy(item => $"f{item.Value % 2}")
            .ToDictionary(group => group.Key, group => new Fragile(
                group.Count(), group.Sum(item =>
                    (long)item.Value), group.Max(item => item.Value), group.Select(item => item.Value % 5).Distinct().Count()));
        var states = batch.States<Fragile>();
        return states.Count == expected.Count && states.All(state => expected[state.Key] == state.Value)
            ? null
            : $"{string.Join(", ", states)} instead of {string.Join(", ", expected)}";
    }
}
