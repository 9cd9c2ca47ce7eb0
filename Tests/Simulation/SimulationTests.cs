using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.Simulation;

/// <summary>
/// The law under everything that can go wrong, on the code that ships (semantics §4 to §6): live = batch, watches without gap or repeat,
/// reads that never go back. <c>SEEDS=n</c> runs more of them, <c>SEED=n</c> one, with its events.
/// </summary>
public sealed class SimulationTests
{
    private const int UsualSeeds = 2_000;

    [Fact]
    public async Task Whatever_fails_every_state_watch_and_read_is_what_the_log_says()
    {
        if (Number("SEED") is { } seed)
        {
            Assert.Null(await RunAsync(Scenario.Of(seed), TestContext.Current.TestOutputHelper!.WriteLine));
            return;
        }

        for (var next = 0; next < (Number("SEEDS") ?? UsualSeeds); next++)
        {
            if (await RunAsync(Scenario.Of(next)) is { } failure)
                Assert.Fail(await Shrinker.ReportAsync(Scenario.Of(next), failure));
        }
    }

    [Fact]
    public void The_same_seed_is_the_same_run_event_by_event()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var (first, second) = (new Simulation(Scenario.Of(seed)), new Simulation(Scenario.Of(seed)));
            first.Run();
            second.Run();
            Assert.True(first.Hash == second.Hash, $"Seed {seed} is not the same run twice: {first.Events} and {second.Events} events.");
        }
    }

    [Theory]
    [MemberData(nameof(Sabotages))]
    public async Task Each_sabotage_is_found(string name)
    {
        for (var seed = 0; seed < 200; seed++)
        {
            if (await RunAsync(Scenario.Of(seed, Enum.Parse<Sabotage>(name))) is { } failure)
            {
                TestContext.Current.TestOutputHelper!.WriteLine($"Found with seed {seed}: {failure}");
                return;
            }
        }

        Assert.Fail("200 seeds do not find it.");
    }

    [Fact]
    public async Task A_batch_up_to_a_cut_is_what_was_live_when_the_log_ended_there()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var then = new Simulation(Scenario.Of(seed));
            then.Run();
            var cut = await then.Log.Storage.CutAtEndAsync(then.Topology.SourceTopics);
            foreach (var (topic, record) in Records.Of(then.Topology, new(-seed), 30))
                then.Log.Append(topic, record);
            var asOf = await new BatchRunner(then.Topology, then.Log.Storage).RunAsync(to: cut);
            Nothing(then.Failure ?? Checks.Differences(then, asOf).FirstOrDefault(), seed);
        }
    }

    [Fact]
    public async Task An_entity_that_stands_in_several_partitions_is_live_what_it_is_in_a_batch()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var partitioner = (KeyPartitioner)random.Next(3);
            var topology = new TopologyBuilder()
                .AddEntity<Item>(item => item.FromTopic(Topologies.Items).WithPartitions(3).PartitionedBy(partitioner)).Build();
            var records = Records.Of(topology, random, 60)
                .Select(record => (record.Topic, record.Record with { Partition = random.Next(3) }));
            var simulation = new Simulation(Scenario.Of(seed), topology, records);
            simulation.Run();
            Nothing(simulation.Failure ?? await Checks.FaultAsync(simulation), seed);
        }
    }

    public static TheoryData<string> Sabotages() => [.. Enum.GetNames<Sabotage>().Except([nameof(Sabotage.None)])];

    /// <summary>What is wrong with a run; null when nothing is.</summary>
    internal static async Task<string?> RunAsync(Scenario scenario, Action<string>? write = null)
    {
        var simulation = new Simulation(scenario, write: write);
        simulation.Run();
        return simulation.Failure ?? await Checks.FaultAsync(simulation);
    }

    private static void Nothing(string? fault, int seed) => Assert.True(fault is null, $"Seed {seed}: {fault}");

    private static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var number) ? number : null;
}
