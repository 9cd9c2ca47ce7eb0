using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.Definitions;

public sealed class TopologyTests
{
    [Fact]
    public void Names_topics_and_partitions_have_defaults_from_the_type()
    {
        var topology = new TopologyBuilder { Application = "app" }.AddEntity<Leaf>().AddView<OneView>().Build();
        var (leaf, view) = (topology.Of<Leaf>(), topology.Of<OneView>());
        Assert.Equal(("leaf", "leaf", 1, 4, DatasetKind.Entity), (leaf.Name, leaf.Topic, leaf.Version, leaf.Partitions, leaf.Kind));
        Assert.Equal(
            ("one-view", "app.one-view.b1.input", 1, 4, DatasetKind.View),
            (view.Name, view.Topic, view.Version, view.Partitions, view.Kind));
        Assert.Equal("app.dead-letters", topology.DeadLetterTopic);
        Assert.Equal(["leaf"], topology.SourceTopics);
        Assert.Equal([leaf], view.Sources);
        Assert.Equal([view], leaf.Dependents);
    }

    [Fact]
    public void Everything_can_be_said()
    {
        var topology = new TopologyBuilder()
            .AddEntity<Leaf>(leaf => leaf.Named("l").FromTopic("t").WithPartitions(2).WithVersion(3).OnBadRecord(BadRecords.Stop))
            .AddView<OneView>(view => view.Named("v").WithPartitions(7).WithVersion(2).OnBadRecord(BadRecords.Stop)).Build();
        Assert.True(topology.TryGet("l", out var leaf));
        Assert.True(topology.TryGet("v", out var view));
        Assert.False(topology.TryGet("x", out _));
        Assert.Equal(("t", 2, 3, BadRecords.Stop), (leaf.Topic, leaf.Partitions, leaf.Version, leaf.BadRecords));
        Assert.Equal(("actorstreams.v.b1.input", 7, 2, BadRecords.Stop), (view.Topic, view.Partitions, view.Version, view.BadRecords));
    }

    [Fact]
    public void Sources_come_before_what_reads_them()
    {
        var topology = new TopologyBuilder().AddView<Join>().AddView<OneView>().AddEntity<Leaf>().Build();
        Assert.Equal(["leaf", "one-view", "join"], topology.Datasets.Select(dataset => dataset.Name));
        Assert.Equal([topology.Of<Leaf>(), topology.Of<OneView>()], topology.Of<Join>().Sources);
    }

    [Theory]
    [InlineData("a b", "letters, digits")]
    [InlineData("", "letters, digits")]
    [InlineData("-a", "letters, digits")]
    [InlineData("a\n", "letters, digits")]
    public void A_bad_name_is_a_fault(string name, string says)
    {
        Fault(says, t => t.AddEntity<Leaf>(leaf => leaf.Named(name)));
        Fault(says, t => t.AddEntity<Leaf>(leaf => leaf.FromTopic(name)));
        Fault(says, t => (t.Application = name, t.AddEntity<Leaf>()).Item2);
    }

    [Fact]
    public void A_name_that_is_too_long_is_a_fault() => Fault("at most 100", t => t.AddEntity<Leaf>(leaf => leaf.Named(new('a', 101))));

    [Fact]
    public void A_missing_source_is_a_fault() =>
        Fault("no dataset has states of that type. Add it with AddEntity<Leaf>()", t => t.AddView<OneView>());

    [Fact]
    public void A_name_given_twice_is_a_fault() =>
        Fault("2 datasets are named 'x'", t => t.AddEntity<Leaf>(leaf => leaf.Named("x")).AddView<OneView>(view => view.Named("x")));

    [Fact]
    public void A_type_registered_twice_is_a_fault() =>
        Fault("2 datasets have states of type Leaf", t => t.AddEntity<Leaf>().AddEntity<Leaf>(leaf => leaf.Named("other")));

    [Fact]
    public void A_view_without_a_source_is_a_fault() => Fault("has no source", t => t.AddView<Sourceless>());

    [Fact]
    public void Views_in_a_circle_are_a_fault() =>
        Fault("'ping' → 'pong' → 'ping' feed each other in a circle", t => t.AddView<Ping>().AddView<Pong>());

    [Fact]
    public void What_is_reached_only_through_a_circle_is_a_fault() =>
        Fault("'behind' cannot be reached from any topic", t => t.AddView<Ping>().AddView<Pong>().AddView<Behind>());

    [Fact]
    public void Versions_are_counted_from_one() => Fault("has version 0", t => t.AddEntity<Leaf>(leaf => leaf.WithVersion(0)));

    [Theory]
    [InlineData(0)]
    [InlineData(1025)]
    public void Partitions_have_a_bound(int partitions) =>
        Fault($"has {partitions} partitions", t => t.AddEntity<Leaf>(leaf => leaf.WithPartitions(partitions)));

    [Fact]
    public void A_topic_has_one_number_of_partitions() => Fault(
        "say different numbers of partitions",
        t => t.AddEntity<Leaf>(e => e.FromTopic("t").WithPartitions(1)).AddEntity<Other>(e => e.FromTopic("t").WithPartitions(2)));

    [Fact]
    public void A_topic_has_one_partitioner() => Fault(
        "say different partitioners",
        t => t.AddEntity<Leaf>(e => e.FromTopic("t").PartitionedBy(KeyPartitioner.Crc32)).AddEntity<Other>(e => e.FromTopic("t")));

    [Theory]
    [InlineData("app.one-view.b1.input")]
    [InlineData("app.dead-letters")]
    public void A_topic_that_the_application_writes_is_no_source(string topic) => Fault(
        "the application writes itself",
        t => (t.Application = "app", t.AddEntity<Leaf>(leaf => leaf.FromTopic(topic)).AddView<OneView>()).Item2);

    [Fact]
    public void All_faults_are_told_at_once()
    {
        var builder = new TopologyBuilder { Application = "?" }.AddEntity<Leaf>(leaf => leaf.WithVersion(0).WithPartitions(0))
            .AddView<Behind>().AddView<Sourceless>();
        var error = Assert.Throws<TopologyException>(builder.Build);
        Assert.Equal(5, error.Errors.Count);
        Assert.All(error.Errors, fault => Assert.Contains(fault, error.Message));
    }

    private static void Fault(string says, Func<TopologyBuilder, TopologyBuilder> add) =>
        Assert.Contains(says, Assert.Throws<TopologyException>(add(new TopologyBuilder()).Build).Message);

    internal sealed record Leaf(int Value) : IEntity<Leaf, int>
    {
        public static Leaf? Apply(Leaf? state, in Record<int> record) => new(record.Value);
    }

    internal sealed record Other(int Value) : IEntity<Other, int>
    {
        public static Other? Apply(Other? state, in Record<int> record) => new(record.Value);
    }

    internal sealed record OneView(int Count) : IView<OneView, Leaf>
    {
        public static IEnumerable<string> KeysOf(string key, Leaf source) => [];

        public static OneView? Apply(OneView? state, in Change<Leaf> change) => state;
    }

    internal sealed record Join(int Count) : IView<Join, Leaf>, IView<Join, OneView>
    {
        public static IReadOnlyList<ViewSource<Join>> Sources => [ViewSource.Of<Join, Leaf>(), ViewSource.Of<Join, OneView>()];

        public static IEnumerable<string> KeysOf(string key, Leaf source) => [];

        public static IEnumerable<string> KeysOf(string key, OneView source) => [];

        public static Join? Apply(Join? state, in Change<Leaf> change) => state;

        public static Join? Apply(Join? state, in Change<OneView> change) => state;
    }

    internal sealed record Sourceless : IView<Sourceless>
    {
        public static IReadOnlyList<ViewSource<Sourceless>> Sources => [];
    }

    internal sealed record Ping : IView<Ping, Pong>
    {
        public static IEnumerable<string> KeysOf(string key, Pong source) => [];

        public static Ping? Apply(Ping? state, in Change<Pong> change) => state;
    }

    internal sealed record Pong : IView<Pong, Ping>
    {
        public static IEnumerable<string> KeysOf(string key, Ping source) => [];

        public static Pong? Apply(Pong? state, in Change<Ping> change) => state;
    }

    internal sealed record Behind : IView<Behind, Ping>
    {
        public static IEnumerable<string> KeysOf(string key, Ping source) => [];

        public static Behind? Apply(Behind? state, in Change<Ping> change) => state;
    }
}
