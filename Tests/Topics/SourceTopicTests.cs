using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Setup;
using ActorStreams.Partitions;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Log;
using ActorStreams.States;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ActorStreams.Tests.Topics;

/// <summary>Source topics belong to their producers, who may add partitions.</summary>
public sealed class SourceTopicTests
{
    private readonly InMemoryChangeLog _log = new();
    private readonly InMemoryStateStore _store = new();

    [Fact]
    public async Task A_topic_that_exists_is_only_described_and_one_that_does_not_is_created()
    {
        await _log.CreateTopicAsync("leaf", 7);
        var topology = Topology(KeyPartitioner.Murmur2, wanted: 3);
        await SetUpAsync(topology);
        Assert.Equal(7, topology.Of<Leaf>().Partitions);
        await _log.DeleteTopicAsync("leaf");
        await SetUpAsync(Topology(KeyPartitioner.Murmur2, wanted: 3));
        Assert.Equal(3, (await _log.DescribeAsync("leaf"))!.Partitions);
    }

    [Fact]
    public async Task A_rebuild_deletes_the_input_logs_of_its_views_and_no_topic_that_only_looks_like_one()
    {
        var topology = new TopologyBuilder { Application = "shop" }.AddEntity<Leaf>(leaf => leaf.FromTopic("shop.leaf.v1.input")).Build();
        foreach (var topic in new[] { "shop.leaf.v1.input", "shop.readings.input", "shop.branch.v1.input" })
            await _log.CreateTopicAsync(topic, 1);
        await SetUpOf(topology).ForgetAsync(TestContext.Current.CancellationToken);
        Assert.Equal(3, (await _log.ListTopicsAsync()).Count);
    }

    [Theory]
    [InlineData(KeyPartitioner.Murmur2)]
    [InlineData(KeyPartitioner.Crc32)]
    public async Task Added_partitions_are_refused_with_the_remedies_once_something_is_folded(KeyPartitioner partitioner)
    {
        await FoldedAsync(partitioner, partitions: 2);
        await ResizeAsync(4);
        var error = await Assert.ThrowsAsync<SourceTopicChangedException>(() => SetUpAsync(Topology(partitioner)));
        Assert.All(["has 4 partitions, but 2 are recorded", "lost their order", "new topic", "--rebuild", "PartitionedBy"], text =>
            Assert.Contains(text, error.Message));
        await SetUpAsync(Topology(KeyPartitioner.Unknown));
        await SetUpAsync(Topology(partitioner));
    }

    [Fact]
    public async Task Added_partitions_are_followed_where_nothing_is_folded_and_where_the_partitioner_is_unknown()
    {
        await _log.CreateTopicAsync("leaf", 2);
        await SetUpAsync(Topology(KeyPartitioner.Murmur2));
        await ResizeAsync(3);
        await SetUpAsync(Topology(KeyPartitioner.Murmur2));
        await FoldedAsync(KeyPartitioner.Unknown, partitions: 3);
        await ResizeAsync(4);
        var topology = Topology(KeyPartitioner.Unknown);
        await SetUpAsync(topology);
        Assert.Equal(4, topology.Of<Leaf>().Partitions);
    }

    [Fact]
    public async Task A_topic_that_shrank_or_is_gone_is_another_than_the_one_that_was_folded()
    {
        await FoldedAsync(KeyPartitioner.Unknown, partitions: 2);
        await ResizeAsync(1);
        Assert.Contains(
            "another topic",
            (await Assert.ThrowsAsync<SourceTopicChangedException>(() => SetUpAsync(Topology(KeyPartitioner.Unknown)))).Message);
        await _log.DeleteTopicAsync("leaf");
        Assert.Contains(
            "is gone", (await Assert.ThrowsAsync<SourceTopicChangedException>(() => SetUpAsync(Topology(KeyPartitioner.Unknown)))).Message);
        Assert.Null(await _log.DescribeAsync("leaf"));
        await SetUpOf(Topology(KeyPartitioner.Unknown)).ForgetAsync(TestContext.Current.CancellationToken);
        await SetUpAsync(Topology(KeyPartitioner.Unknown));
    }

    [Fact]
    public async Task A_running_silo_notices_partitions_that_it_does_not_follow_and_topics_that_are_gone()
    {
        await _log.CreateTopicAsync("leaf", 2);
        var topology = Topology(KeyPartitioner.Murmur2);
        await SetUpAsync(topology);
        using var topics = new SourceTopics(
            topology, _log, Options.Create(new StreamsOptions()), TimeProvider.System, NullLogger<SourceTopics>.Instance);
        await LookAsync(null, 0);
        await ResizeAsync(5);
        await LookAsync("has 5 partitions, but 2 are followed", 3);
        await ResizeAsync(1);
        await LookAsync("has 1 partitions, but 2 are followed", 1);
        await _log.DeleteTopicAsync("leaf");
        await LookAsync("is gone", 2);
        await _log.CreateTopicAsync("leaf", 2);
        await LookAsync(null, 0);

        async Task LookAsync(string? says, int difference)
        {
            await topics.LookAsync(TestContext.Current.CancellationToken);
            if (says is null)
                Assert.Empty(topics.Troubles);
            else
                Assert.Contains(says, Assert.Single(topics.Troubles));
            Assert.Equal([("leaf", difference)], topics.Differences);
        }
    }

    private static Topology Topology(KeyPartitioner partitioner, int wanted = 4) =>
        new TopologyBuilder().AddEntity<Leaf>(leaf => leaf.WithPartitions(wanted).PartitionedBy(partitioner)).AddView<Leaves>().Build();

    private Task SetUpAsync(Topology topology) => SetUpOf(topology).RunAsync(TestContext.Current.CancellationToken);

    private TopicSetup SetUpOf(Topology topology) => new(
        topology, _log, _store, new(topology, _store, _log, TimeProvider.System, NullLogger<LiveBuilds>.Instance), TimeProvider.System);

    private async Task ResizeAsync(int partitions)
    {
        await _log.DeleteTopicAsync("leaf");
        await _log.CreateTopicAsync("leaf", partitions);
    }

    private async Task FoldedAsync(KeyPartitioner partitioner, int partitions)
    {
        await ResizeAsync(partitions);
        await SetUpAsync(Topology(partitioner));
        await _store.WriteCheckpointAsync(new()
        {
            Partition = new("leaf", 1, 0), Checkpoint = new(1, 5, 1, default), Upserts = [], Deletes = [],
            ContributionUpserts = [], ContributionDeletes = [],
        });
    }

    internal sealed record Leaf(int Value) : IEntity<Leaf, int>
    {
        public static Leaf? Apply(Leaf? state, in Record<int> record) => new(record.Value);
    }

    internal sealed record Leaves(int Count) : IView<Leaves, Leaf>
    {
        public static IEnumerable<string> KeysOf(string key, Leaf source) => ["all"];

        public static Leaves? Apply(Leaves? state, in Change<Leaf> change) => new((state?.Count ?? 0) + change.Count);
    }
}
