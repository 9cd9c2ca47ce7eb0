using System.Text;
using ActorStreams.Batch;
using ActorStreams.Client.Calls;
using ActorStreams.Definitions;
using ActorStreams.Kafka;
using ActorStreams.Log;
using ActorStreams.Protocol;
using ActorStreams.Samples.Shop;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Kafka;
using ActorStreams.Tests.Kafka.Brokers;
using ActorStreams.Tests.Log;

namespace ActorStreams.Tests.Cluster;

/// <summary>
/// A source topic becomes another log while silos fold it (semantics §2). Nothing of the other log is folded, every place where an
/// operator looks says so until he acts, and what he is told to do helps.
/// </summary>
public sealed class LogChangedTests : EndToEndTest
{
    private const string Topic = "shop.orders";

    private static readonly string[] Settings =
    [
        "--Streams:DefaultPartitions=2", "--Streams:CheckpointIntervalSeconds=0.2", "--Streams:KeeperIntervalSeconds=0.3",
        "--Streams:MaxRetrySeconds=2", "--Silo:ProbeSeconds=1", "--Silo:DrainSeconds=0",
    ];

    [Fact]
    public async Task A_topic_that_is_made_again_is_told_and_nothing_of_it_is_folded_until_its_dataset_is_rebuilt()
    {
        const int partitions = 4;
        var kafka = await RealKafka.StartNewAsync(1);
        await kafka.CreateTopicAsync(Topic, partitions);
        await using var cluster = await SiloCluster.StartAsync(kafka, [], Settings);
        await cluster.StartSilosAsync(2);
        await AppendAsync(kafka, "old", 40, partitions);
        var before = await FoldedAsync(cluster);

        await kafka.DeleteTopicAsync(Topic);
        await kafka.CreateTopicAsync(Topic, partitions);
        await AppendAsync(kafka, "new", 200, partitions);
        await ToldAsync(cluster, partitions, "it was deleted and made again", 200);
        AssertSame(before, await LiveAsync(cluster));
        await StaysToldAsync(cluster);
        AssertSame(before, await LiveAsync(cluster));

        await cluster.Client.Builds.RebuildAsync("order");
        await UntilAsync(
            async () => (await cluster.Client.DatasetsAsync()).Where(IsOfShop).All(dataset => dataset.Build == 2), "readers have moved");
        var after = await FoldedAsync(cluster);
        Assert.Equal(200, after.Keys.Count(key => key.StartsWith("order/new", StringComparison.Ordinal)));
        // The build before stands where it stood, and is told of until it is retired.
        Assert.Equal(partitions, (await TroublesAsync(cluster)).Count);
        await cluster.Client.Builds.RetireAsync("order", 1);
        await UntilAsync(async () => (await TroublesAsync(cluster)).Count == 0, "nothing is wrong");
        AssertSame(after, await LiveAsync(cluster));
    }

    /// <summary>Orders of a producer of its own, which tries again while no broker takes them.</summary>
    private static async Task AppendAsync(RealKafka kafka, string name, int count, int partitions = 1)
    {
        await using var log = KafkaChangeLog.Open(KafkaCluster.Options(kafka.BootstrapServers, isReal: true));
        await log.AppendAsync(Topic, [.. Enumerable.Range(0, count).Select(i => LogTesting.Record(
            $"{name}{i}",
            $$"""{"type":"placed","customer":"{{name}}-{{i % 7}}","total":{{i}}.5}""",
            partition: Partitioner.PartitionOf($"{name}{i}", partitions)))]);
    }

    /// <summary>Waits until the states are those that a batch folds of the log as it is now.</summary>
    private static async Task<SortedDictionary<string, string>> FoldedAsync(SiloCluster cluster)
    {
        var batch = await BatchAsync(cluster);
        SortedDictionary<string, string> live = [];
        await UntilAsync(async () => (live = await LiveAsync(cluster)).SequenceEqual(batch), $"the {batch.Count} states of a batch");
        await UntilAsync(
            async () => (await cluster.Client.DatasetsAsync()).Where(IsOfShop)
                .All(dataset => dataset is { Status: PartitionState.Running, Behind.Records: 0 }),
            "all runs, and nothing is behind");
        return live;
    }

    private static async Task<SortedDictionary<string, string>> BatchAsync(SiloCluster cluster)
    {
        await using var log = KafkaChangeLog.Open(KafkaCluster.Options(cluster.Kafka.BootstrapServers, isReal: true));
        var topology = new TopologyBuilder();
        ShopDefinitions.AddTo(topology);
        var result = await new BatchRunner(topology.Build(), log).RunAsync();
        var states = new[] { "order", "spend" }.SelectMany(dataset => result.Json(dataset)
            .Select(state => KeyValuePair.Create($"{dataset}/{state.Key}", Encoding.UTF8.GetString(state.Value))));
        return new(states.ToDictionary(), StringComparer.Ordinal);
    }

    /// <summary>The states that readers get now; none of a dataset that does not answer at the moment.</summary>
    private static async Task<SortedDictionary<string, string>> LiveAsync(SiloCluster cluster)
    {
        var states = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var dataset in new[] { "order", "spend" })
        {
            try
            {
                foreach (var (key, state) in await cluster.Silos[0].AllAsync(dataset))
                    states.Add($"{dataset}/{key}", state);
            }
            catch (ActorStreamsException error)
            {
                Print($"'{dataset}': {error.Message}");
            }
        }

        return states;
    }

    private static void AssertSame(SortedDictionary<string, string> expected, SortedDictionary<string, string> live)
    {
        var wrong = expected.Keys.Union(live.Keys)
            .Where(key => expected.GetValueOrDefault(key) != live.GetValueOrDefault(key)).ToList();
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {expected.Count} states differ: {string.Join(", ", wrong.Take(10))}");
    }

    /// <summary>Waits until the dataset, its partitions and the silos' health say that the log is another one, and how.</summary>
    private static async Task ToldAsync(SiloCluster cluster, int partitions, string difference, long records)
    {
        await UntilAsync(async () => await IsToldAsync(cluster, difference, records), $"'{difference}', {records} records behind");
        var troubles = await TroublesAsync(cluster);
        Assert.Equal(partitions, troubles.Count);
        Assert.All(troubles, trouble => Assert.Contains(difference, trouble, StringComparison.Ordinal));
        Print(troubles[0]);
    }

    private static async Task<bool> IsToldAsync(SiloCluster cluster, string difference, long records)
    {
        var dataset = (await cluster.Client.DatasetsAsync()).Single(one => one.Name == "order");
        var partitions = await cluster.Client.Operations.PartitionsAsync("order");
        return dataset.Status == PartitionState.Stopped && dataset.Reason!.Contains(difference, StringComparison.Ordinal)
            && partitions.All(one => one.Status == PartitionState.Stopped && one.Reason!.Contains(difference, StringComparison.Ordinal))
            && partitions.Sum(one => one.Behind?.Records) == records;
    }

    private static async Task StaysToldAsync(SiloCluster cluster)
    {
        for (var i = 0; i < 20; i++)
        {
            var dataset = (await cluster.Client.DatasetsAsync()).Single(one => one.Name == "order");
            Assert.Equal(PartitionState.Stopped, dataset.Status);
            Assert.InRange(dataset.Behind!.Records, 1, long.MaxValue);
            await Task.Delay(100);
        }
    }

    /// <summary>What the silos' health names as wrong.</summary>
    private static async Task<List<string>> TroublesAsync(SiloCluster cluster)
    {
        var health = await Task.WhenAll(cluster.Silos.Select(silo => silo.Client.Operations.HealthAsync()));
        return [.. health.SelectMany(one => one.Troubles)];
    }

    private static bool IsOfShop(DatasetInfo dataset) => dataset.Name is "order" or "spend";
}
