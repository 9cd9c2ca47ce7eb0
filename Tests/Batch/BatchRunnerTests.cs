using System.Text;
using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Samples.Shop;

namespace ActorStreams.Tests.Batch;

public sealed class BatchRunnerTests
{
    private readonly InMemoryChangeLog _log = new();

    [Fact]
    public async Task A_batch_folds_every_dataset()
    {
        await AppendAsync(("o1", Placed("ann", 10)), ("o2", Placed("bob", 5)), ("o2", Moved("ann")), ("o3", "{"));
        var result = await new BatchRunner(Shop(BadRecords.SetAside), _log).RunAsync();
        Assert.Equal(new Spend(2, 15), Assert.Single(result.States<Spend>()).Value);
        Assert.Equal(["o1", "o2"], result.Json("order").Keys);
        Assert.Contains("order at shop.orders/", Assert.Single(result.DeadLetters));
        Assert.Equal(4, result.Cut.Offsets.Values.Sum());
    }

    [Fact]
    public async Task A_batch_between_two_cuts_folds_what_lies_between()
    {
        await AppendAsync(("o1", Placed("ann", 10)));
        var from = await _log.CutAtEndAsync(["shop.orders"]);
        await AppendAsync(("o2", Placed("bob", 5)));
        var to = await _log.CutAtEndAsync(["shop.orders"]);
        await AppendAsync(("o3", Placed("cyd", 1)));
        var topology = Shop(BadRecords.SetAside);
        Assert.Equal(["bob"], (await new BatchRunner(topology, _log).RunAsync(from, to)).States<Spend>().Keys);
        Assert.Equal(["ann", "bob"], (await new BatchRunner(topology, _log).RunAsync(to: to)).States<Spend>().Keys);
        Assert.Empty((await new BatchRunner(topology, _log).RunAsync(to: Cut.Beginning)).States<Spend>());
    }

    [Fact]
    public async Task A_dataset_that_stops_at_bad_records_stops_the_batch()
    {
        await AppendAsync(("o1", Placed("ann", 10)), ("o1", "{"));
        var error = await Assert.ThrowsAsync<BatchStoppedException>(() => new BatchRunner(Shop(BadRecords.Stop), _log).RunAsync());
        Assert.Equal("shop.orders", error.Position.Topic);
        Assert.Equal(1, error.Position.Offset);
    }

    private static Topology Shop(BadRecords badRecords) =>
        new TopologyBuilder().AddEntity<Order>(order => order.FromTopic("shop.orders").OnBadRecord(badRecords)).AddView<Spend>().Build();

    private static string Placed(string customer, int total) => $"{{\"type\":\"placed\",\"customer\":\"{customer}\",\"total\":{total}}}";

    private static string Moved(string to) => $"{{\"type\":\"moved\",\"to\":\"{to}\"}}";

    private async Task AppendAsync(params (string Key, string Value)[] records)
    {
        await _log.CreateTopicAsync("shop.orders", 3);
        foreach (var (key, value) in records)
            await _log.AppendAsync(
                "shop.orders",
                [
                    new() { Partition = Partitioner.PartitionOf(
                        key, 3), Timestamp = 0, Key = Encoding.UTF8.GetBytes(key), Value = Encoding.UTF8.GetBytes(value) },
                ]);
    }
}
