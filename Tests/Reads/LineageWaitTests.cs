using ActorStreams.Definitions;
using ActorStreams.Grains.Reads;
using ActorStreams.Log;
using ActorStreams.Tests.Partitions;

namespace ActorStreams.Tests.Reads;

public sealed class LineageWaitTests
{
    private const int Partitions = 16;

    private readonly Topology _topology = new TopologyBuilder { Application = "app", DefaultPartitions = Partitions }
        .AddEntity<Item>().AddView<First>().AddView<Second>().AddView<Third>().Build();

    private readonly FaultyLog _log = new();
    private readonly List<(string Dataset, int Partition, long Offset)> _waits = [];

    [Fact]
    public async Task A_position_behind_three_views_of_16_partitions_takes_33_waits_and_one_question_for_the_ends_of_each_view()
    {
        var own = await RunAsync<Third>(new Position("item", 5, 0));
        Assert.Equal(1 + (2 * Partitions), _waits.Count);
        Assert.Equal(("item", 5, 0L), _waits[0]);
        Assert.Equal(3, _log.OffsetQueries);
        Assert.Equal(
            Enumerable.Range(0, Partitions).Select(partition => (partition, (long)partition)),
            own!.OrderBy(one => one.Key).Select(one => (one.Key, one.Value)));
    }

    [Fact]
    public async Task The_positions_of_a_batch_in_several_partitions_are_waited_for_in_one_walk()
    {
        await RunAsync<First>(new("item", 1, 7), new("item", 2, 8), new("item", 1, 9));
        Assert.Equal([("item", 1, 9L), ("item", 2, 8L)], _waits.Order());
        Assert.Equal(1, _log.OffsetQueries);
    }

    [Fact]
    public async Task A_position_of_the_own_input_log_needs_no_wait_elsewhere()
    {
        var own = await RunAsync<Second>(new Position(_topology.Of<Second>().Topic, 3, 11));
        Assert.Empty(_waits);
        Assert.Equal(0, _log.OffsetQueries);
        Assert.Equal([(3, 11L)], own!.Select(one => (one.Key, one.Value)));
    }

    [Fact]
    public async Task When_the_time_runs_out_on_the_way_nothing_further_is_asked()
    {
        Assert.Null(await RunToAsync<Third>(dataset => dataset.Name != "first", new Position("item", 0, 0)));
        Assert.Equal(1 + Partitions, _waits.Count);
    }

    private Task<IReadOnlyDictionary<int, long>?> RunAsync<TState>(params Position[] positions) => RunToAsync<TState>(_ => true, positions);

    private async Task<IReadOnlyDictionary<int, long>?> RunToAsync<TState>(Func<Dataset, bool> reached, params Position[] positions)
    {
        foreach (var dataset in _topology.Datasets)
        {
            await _log.CreateTopicAsync(dataset.Topic, Partitions);
            for (var partition = 0; partition < Partitions; partition++)
                await _log.AppendAsync(
                    dataset.Topic,
                    [
                        .. Enumerable.Range(0, partition + 1).Select(_ => new NewRecord { Partition = partition, Timestamp = 1 }),
                    ]);
        }

        var wait = new LineageWait(_log, (dataset, partition, offset, _, _) =>
        {
            _waits.Add((dataset.Name, partition, offset));
            return Task.FromResult(reached(dataset));
        });
        return await wait.RunAsync(
            _topology.Of<TState>(), positions, new(TimeProvider.System, TimeSpan.FromSeconds(5)), TestContext.Current.CancellationToken);
    }

    internal sealed record Item(int N) : IEntity<Item, Item>
    {
        public static Item? Apply(Item? state, in Record<Item> record) => record.Value;
    }

    internal sealed record First(int N) : IView<First, Item>
    {
        public static IEnumerable<string> KeysOf(string key, Item source) => [key];

        public static First? Apply(First? state, in Change<Item> change) => new(change.After?.N ?? 0);
    }

    internal sealed record Second(int N) : IView<Second, First>
    {
        public static IEnumerable<string> KeysOf(string key, First source) => [key];

        public static Second? Apply(Second? state, in Change<First> change) => new(change.After?.N ?? 0);
    }

    internal sealed record Third(int N) : IView<Third, Second>
    {
        public static IEnumerable<string> KeysOf(string key, Second source) => [key];

        public static Third? Apply(Third? state, in Change<Second> change) => new(change.After?.N ?? 0);
    }
}
