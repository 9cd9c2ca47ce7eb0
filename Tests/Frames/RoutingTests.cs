using System.Text.Json;
using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Tests.Folding;

namespace ActorStreams.Tests.Frames;

/// <summary>What an entity's partition sends to its views, and what a view says of it.</summary>
public sealed class RoutingTests
{
    private readonly List<Topology> _kept = [];

    [Fact]
    public async Task A_move_tells_the_old_key_what_was_and_the_new_key_what_is()
    {
        var output = await FoldAsync(One, ("p", new(["a"])), ("p", new(["b"])), ("p", new(["b"], 1)), ("p", null));
        Assert.Equal(["0.0 Entered a", "1.0 Left a", "1.1 Entered b", "2.0 Stayed b", "3.0 Left b"], Routes(output, "labels"));
    }

    [Fact]
    public async Task Keys_named_twice_count_once() =>
        Assert.Equal(
            ["0.0 Entered a", "0.1 Entered b", "1.0 Left a", "1.1 Stayed b"],
            Routes(await FoldAsync(One, ("p", new(["a", "b", "a"])), ("p", new(["b", "b"]))), "labels"));

    [Fact]
    public async Task An_equal_state_makes_no_change() =>
        Assert.Equal(["0.0 Entered a"], Routes(await FoldAsync(One, ("p", new(["a"], 5)), ("p", new(["a"], 5))), "labels"));

    [Fact]
    public async Task Many_keys_are_compared_as_few_are()
    {
        string[] first = [.. Enumerable.Range(0, 40).Select(i => $"k{i}")];
        var routes = Routes(await FoldAsync(One, ("p", new(first)), ("p", new([.. first.Skip(1), "new", "new"]))), "labels");
        var stayed = first.Skip(1).Order(StringComparer.Ordinal).Select((key, i) => $"1.{i + 1} Stayed {key}");
        Assert.Equal(["1.0 Left k0", .. stayed, "1.40 Entered new"], routes.Skip(40));
    }

    [Fact]
    public async Task A_state_whose_keys_cannot_be_told_concerns_nobody_and_is_a_dead_letter()
    {
        var output = await FoldAsync(One, ("p", new(["a"])), ("p", new(["throw"])), ("p", new(["b"])));
        Assert.Equal(["0.0 Entered a", "1.0 Left a", "2.0 Entered b"], Routes(output, "labels"));
        var letter = Assert.Single(output.DeadLetters);
        Assert.Equal(("labels", "p", new Position("page", 0, 1)), (letter.Dataset, letter.Key, letter.Position));
        Assert.Contains("No keys today.", letter.Reason);
        Assert.Equal("{\"tags\":[\"throw\"],\"value\":0}", Encoding.UTF8.GetString(letter.Value!.Value.Span));
    }

    [Fact]
    public async Task The_fan_out_has_a_bound()
    {
        var output = await FoldAsync(
            t =>
                t.AddEntity<Page>().AddView<Labels>(view => view.WithMaxKeysPerState(3)), ("p", new(["a", "b", "c", "c"])),
                    ("p", new(["a", "b", "c", "d"])));
        Assert.Equal(["1.0 Left a", "1.1 Left b", "1.2 Left c"], Routes(output, "labels").Skip(3));
        Assert.Contains(
            "could not be routed to view 'labels': It concerns more than 3 view keys. Let it concern fewer, or raise WithMaxKeysPerState",
                Assert.Single(output.DeadLetters).Reason);
    }

    [Fact]
    public async Task Another_view_changes_no_origin_of_the_first()
    {
        (string, Page?)[] records = [("p", new(["a", "b"])), ("q", new(["b"])), ("p", new(["c"])), ("p", null)];
        Assert.Equal(
            Routes(await FoldAsync(One, records), "labels"), Routes(await FoldAsync(t => One(t.AddView<Pages>()), records), "labels"));
    }

    [Fact]
    public async Task A_batch_makes_one_frame_a_partition_unless_it_grows_too_large()
    {
        (string, Page?)[] records = [.. Enumerable.Range(0, 20).Select(i => ($"p{i}", (Page?)new Page(["a"], i)))];
        Assert.Single((await FoldAsync(One, records)).Frames);
        var small = await FoldAsync(One, new FoldOptions { MaxFrameBytes = 100 }, records);
        Assert.InRange(small.Frames.Count, 5, 19);
        Assert.All(small.Frames, frame => Assert.InRange(frame.Bytes.Length, 1, 200));
        Assert.Equal(Routes(await FoldAsync(One, records), "labels"), Routes(small, "labels"));
    }

    [Fact]
    public async Task A_change_names_its_trigger_and_its_root_through_two_views()
    {
        var topology = One(new TopologyBuilder { DefaultPartitions = 1 }).AddView<Causes>().Build();
        var page = await FoldAsync(topology, FoldOptions.InMemory, ("p", new(["a"])), ("q", new(["b"])), ("q", new(["b"], 9)));
        var labels = topology.Of<Labels>().CreateFold(0, FoldOptions.InMemory);
        // The same frame twice: what repeats is skipped, and the causes are of the first.
        var output = await labels.FoldAsync(Frames(page, labels, 7, 2), null);
        Assert.Equal((3, 3), (output.Folded, output.Repeats));
        var causes = topology.Of<Causes>().CreateFold(0, FoldOptions.InMemory);
        await causes.FoldAsync(Frames(output, causes, 4, 1), null);
        var cause = JsonSerializer.Deserialize<Causes>(causes.All().Single(row => row.Key == "b").State!, topology.Of<Causes>().Json)!;
        Assert.Equal(("actorstreams.labels.b1.input/0:7", "page/0:2"), (cause.Trigger, cause.Root));
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_002), cause.Time);
    }

    [Fact]
    public async Task A_view_whose_fold_throws_sets_the_change_aside_or_stops()
    {
        foreach (var badRecords in new[] { BadRecords.SetAside, BadRecords.Stop })
        {
            var topology = new TopologyBuilder { DefaultPartitions = 1 }.AddEntity<Page>()
                .AddView<Labels>(view => view.OnBadRecord(badRecords)).Build();
            var page = await FoldAsync(
                topology, FoldOptions.InMemory, ("p", new(["a"])), ("q", new(["a"], Labels.Refused)), ("r", new(["a"])));
            var labels = topology.Of<Labels>().CreateFold(0, FoldOptions.InMemory);
            var output = await labels.FoldAsync(Frames(page, labels, 0, 1), null);
            var letter = Assert.Single(output.DeadLetters);
            Assert.Equal(
                ("labels", new Position("actorstreams.labels.b1.input", 0, 0), 1, "a"),
                (letter.Dataset, letter.Position, letter.Index, letter.Key));
            Assert.Contains("The fold of Labels failed: Too much.", letter.Reason);
            Assert.Equal(
                """{"key":"a","source":"page","sourceKey":"q","origin":"page/0:1","before":null,"after":{"tags":["a"],"value":13}}""",
                Encoding.UTF8.GetString(letter.Value!.Value.Span));
            Assert.Equal(badRecords == BadRecords.Stop ? 0 : null, output.StoppedAt);
            if (badRecords == BadRecords.SetAside)
                Assert.Equal("{\"count\":2,\"sum\":0}", Encoding.UTF8.GetString(labels.All().Single().State!));
        }
    }

    [Fact]
    public async Task What_is_no_frame_is_set_aside_with_its_bytes()
    {
        var labels = One(new() { DefaultPartitions = 1 }).Build().Of<Labels>().CreateFold(0, FoldOptions.InMemory);
        var output = await labels.FoldAsync(
            Batch(labels, [new() { Offset = 0, Timestamp = 0, Value = "{}"u8.ToArray() }, new() { Offset = 1, Timestamp = 0 }]), null);
        Assert.Equal(2, output.DeadLetters.Count);
        Assert.Contains("is not a frame", output.DeadLetters[0].Reason);
        Assert.Equal("{}", Encoding.UTF8.GetString(output.DeadLetters[0].Value!.Value.Span));
        Assert.Contains("has no value", output.DeadLetters[1].Reason);
    }

    private static TopologyBuilder One(TopologyBuilder topology) => topology.AddEntity<Page>().AddView<Labels>();

    private Task<FoldOutput> FoldAsync(Func<TopologyBuilder, TopologyBuilder> add, params (string Key, Page? Value)[] records) =>
        FoldAsync(add, FoldOptions.InMemory, records);

    private Task<FoldOutput> FoldAsync(
        Func<TopologyBuilder, TopologyBuilder> add, FoldOptions options, params (string Key, Page? Value)[] records)
    {
        _kept.Add(add(new() { DefaultPartitions = 1 }).Build());
        return FoldAsync(_kept[^1], options, records);
    }

    private static async Task<FoldOutput> FoldAsync(Topology topology, FoldOptions options, params (string Key, Page? Value)[] records)
    {
        var fold = topology.Of<Page>().CreateFold(0, options);
        return await fold.FoldAsync(
            Batch(fold, [.. records.Select((record, i) => new ChangeRecord
            {
                Offset = i,
                Timestamp = 1_000 + i,
                Key = Encoding.UTF8.GetBytes(record.Key),
                Value = record.Value is null
                    ? default(ReadOnlyMemory<byte>?)
                    : JsonSerializer.SerializeToUtf8Bytes(record.Value, topology.Of<Page>().Json),
            })]),
            null);
    }

    private static RecordBatch Frames(FoldOutput output, PartitionFold view, long offset, int times)
    {
        var frame = output.Frames.Single(frame => frame.View == view.Dataset);
        return Batch(
            view, [.. Enumerable.Range(
                0, times).Select(i => new ChangeRecord { Offset = offset + i, Timestamp = frame.Timestamp, Value = frame.Bytes })]);
    }

    private static RecordBatch Batch(PartitionFold fold, IReadOnlyList<ChangeRecord> records) => new()
    {
        Partition = new(fold.Dataset.Topic, 0), Records = records, NextOffset = records[^1].Offset + 1, EndOffset = records[^1].Offset + 1,
    };

    private static List<string> Routes(FoldOutput output, string view)
    {
        List<string> routes = [];
        foreach (var frame in output.Frames.Where(frame => frame.View.Name == view))
        {
            var reader = new FrameReader(frame.Bytes);
            while (reader.NextChange())
            {
                while (reader.NextRoute(out var kind, out var index, out var key))
                    routes.Add($"{reader.Offset}.{index} {kind} {Encoding.UTF8.GetString(key)}");
            }
        }

        return routes;
    }

    internal sealed record Page(string[] Tags, int Value = 0) : IEntity<Page, Page>
    {
        public static Page? Apply(Page? state, in Record<Page> record) => record.Value;
    }

    internal sealed record Labels(int Count, int Sum) : IView<Labels, Page>
    {
        internal const int Refused = 13;

        public static IEnumerable<string> KeysOf(string key, Page source) =>
            source.Tags.Select(tag => tag == "throw" ? throw new InvalidOperationException("No keys today.") : tag);

        public static Labels? Apply(Labels? state, in Change<Page> change) => change.After?.Value == Refused
            ? throw new InvalidOperationException("Too much.")
            : new((state?.Count ?? 0) + change.Count, (state?.Sum ?? 0) + change.Sum(page => page.Value));
    }

    internal sealed record Pages(int Count) : IView<Pages, Page>
    {
        public static IEnumerable<string> KeysOf(string key, Page source) => ["all", key];

        public static Pages? Apply(Pages? state, in Change<Page> change) => new((state?.Count ?? 0) + change.Count);
    }

    internal sealed record Causes(string Trigger, string Root, DateTimeOffset Time) : IView<Causes, Labels>
    {
        public static IEnumerable<string> KeysOf(string key, Labels source) => [source.Sum == 0 ? "a" : "b"];

        public static Causes? Apply(Causes? state, in Change<Labels> change) =>
            new(change.Cause.Trigger.ToString(), change.Cause.Root.ToString(), change.Time);
    }
}
