using System.Net;
using System.Text;
using ActorStreams.Log;
using ActorStreams.Samples.Shop;
using ActorStreams.Storage.Sqlite.Log;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>Records that another producer wrote into partitions where their keys do not belong by murmur2.</summary>
public sealed class MisplacedKeyTests : EndToEndTest
{
    private const string Orders = "shop.orders";
    private const int Partitions = 4;

    [Fact]
    public async Task A_key_that_lies_elsewhere_is_read_listed_and_watched_there_and_counted_also_after_a_restart()
    {
        var silo = NewSilo();
        await ProduceAsync(
            silo, Enumerable.Range(0, 60).Select(i => (Key: $"o{i}", PartitionOf($"o{i}", 1), Value: Placed($"c{i % 7}", i))));
        await silo.StartAsync();
        await silo.CaughtUpAsync(Orders);
        for (var life = 0; life < 2; life++)
        {
            Assert.Equal((60, 60), await CountAsync(silo));
            Assert.Equal(60, (await silo.AllAsync("order")).Count);
            var state = await silo.Client.GetAsync<Order>("order", "o8");
            Assert.Equal((new Order("c1", 8), PartitionOf("o8", 1)), (state!.State, state.Position.Partition));
            Assert.Equal(HttpStatusCode.NotFound, (await silo.GetAsync("api/entities/order/nobody")).Status);
            Assert.Equal(9, (await silo.Client.GetAsync<Spend>("spend", "c1"))!.State.Orders);
            Assert.Contains("misplaced", await silo.Http.GetStringAsync("api/datasets"), StringComparison.Ordinal);
            Assert.Contains("whose key belongs to another partition by Murmur2", silo.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("o8", silo.Output, StringComparison.Ordinal);
            await silo.StopAsync();
            await silo.StartAsync();
        }
    }

    [Fact]
    public async Task A_watch_goes_to_the_partition_that_has_the_key_and_is_resumed_there()
    {
        var silo = NewSilo();
        await ProduceAsync(
            silo, [("w", PartitionOf("w", 2), Placed("ann", 1)), ("w", PartitionOf("w", 2), Placed("ann", 2)), ("w", PartitionOf("w", 2),
                Placed("ann", 3))]);
        await silo.StartAsync();
        await silo.CaughtUpAsync(Orders);
        await foreach (var e in silo.Client.WatchAsync<Order>("order", "w"))
        {
            Assert.Equal((new Order("ann", 3), PartitionOf("w", 2)), (e.After, e.Position!.Partition));
            break;
        }

        var totals = new List<decimal>();
        await foreach (var e in silo.Client.WatchAsync<Order>("order", "w", since: $"{PartitionOf("w", 2)}:0"))
        {
            totals.Add(e.After!.Total);
            if (totals.Count == 2)
                break;
        }

        Assert.Equal([2, 3], totals);
        Assert.Equal(HttpStatusCode.BadRequest, (await silo.GetAsync("api/entities/order/w?watch=true&since=9:0")).Status);
    }

    [Fact]
    public async Task Where_a_key_stands_in_two_partitions_its_home_counts_in_reads_and_lists_and_positions_of_both_are_waited_for()
    {
        var silo = NewSilo();
        await ProduceAsync(
            silo, [("two", PartitionOf("two", 1), Placed("else", 7)), ("other", PartitionOf("other", 1), Placed("else", 1)), ("other",
                PartitionOf("other", 3), Placed("later", 2))]);
        await silo.StartAsync();
        await silo.CaughtUpAsync(Orders);
        Assert.Equal("else", (await silo.Client.GetAsync<Order>("order", "two"))!.State.Customer);
        var home = (await silo.Client.AppendAsync(
            Orders, [new() { Key = "two", Value = new { type = "placed", customer = "home", total = 1 } }]))[0];
        Assert.Equal(PartitionOf("two", 0), home.Partition);
        Assert.Equal("home", (await silo.Client.GetAsync<Order>("order", "two", new() { AtLeast = home }))!.State.Customer);
        var all = await silo.AllAsync("order", pageSize: 1);
        Assert.Equal(["other", "two"], all.Keys);
        Assert.Contains("later", all["other"], StringComparison.Ordinal);
        Assert.Equal("later", (await silo.Client.GetAsync<Order>("order", "other"))!.State.Customer);
        var missing = await silo.GetAsync($"api/entities/order/other?atLeast={PartitionOf("other", 2)}:99&timeoutSeconds=0.1");
        Assert.Equal(HttpStatusCode.GatewayTimeout, missing.Status);
    }

    private static int PartitionOf(string key, int away) => (Partitioner.PartitionOf(key, Partitions) + away) % Partitions;

    private static string Placed(string customer, int total) => $"{{\"type\":\"placed\",\"customer\":\"{customer}\",\"total\":{total}}}";

    private static async Task<(long Misplaced, long States)> CountAsync(SiloProcess silo)
    {
        var order = (await silo.Client.DatasetsAsync()).Single(dataset => dataset.Name == "order");
        Assert.Equal(KeyPartitioner.Murmur2, order.Partitioner);
        return (order.Misplaced, order.States);
    }

    private static async Task ProduceAsync(SiloProcess silo, IEnumerable<(string Key, int Partition, string Value)> records)
    {
        Directory.CreateDirectory(silo.Data);
        await using var log = SqliteChangeLog.Open(new() { Path = Path.Combine(silo.Data, "log.db") });
        await log.CreateTopicAsync(Orders, Partitions);
        await log.AppendAsync(Orders, [.. records.Select((record, i) => new NewRecord
        {
            Partition = record.Partition, Timestamp = 1_000 + i, Key = Encoding.UTF8.GetBytes(record.Key),
            Value = Encoding.UTF8.GetBytes(record.Value),
        })]);
    }
}
