using System.Diagnostics;
using System.Text;
using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Log;
using ActorStreams.Samples.Shop;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Placement;

/// <summary>Silos that come, go and die, and what becomes of the partitions meanwhile.</summary>
public sealed class ClusterTests : EndToEndTest
{
    private const int Customers = 50;

    [Fact]
    public async Task Partitions_are_even_after_joins_leaves_and_deaths_and_a_join_moves_only_to_the_newcomer()
    {
        await using var cluster = await StreamsCluster.StartAsync(3, Define);
        var before = await cluster.SettledAsync("the start");
        Assert.Equal([10, 11, 11], before.Values.Select(partitions => partitions.Count).Order());

        var newcomer = await cluster.JoinAsync();
        var joined = await cluster.SettledAsync("a join");
        foreach (var (silo, partitions) in joined.Where(silo => silo.Key != newcomer.Name))
            Assert.Empty(partitions.Except(before[silo]));

        var leaver = cluster.Silos[1];
        await cluster.StopAsync(leaver);
        var left = await cluster.SettledAsync("a stop");
        foreach (var (silo, partitions) in left)
            Assert.Empty(joined[silo].Except(partitions));

        await cluster.KillAsync(cluster.Silos[^1]);
        await cluster.SettledAsync("a death");
    }

    [Fact]
    public async Task Readers_see_no_failure_and_states_are_exact_while_silos_come_and_go_and_die()
    {
        var random = NewRandom();
        await using var cluster = await StreamsCluster.StartAsync(3, Define);
        await cluster.SettledAsync("the start");
        using var stop = new CancellationTokenSource();
        var (writing, reading) = (WriteAsync(cluster, random.Next(), stop.Token),
            Enumerable.Range(0, 4).Select(n => ReadAsync(cluster, new(random.Next()), stop.Token)).ToList());

        for (var i = 0; i < 5; i++)
        {
            await Task.Delay(random.Next(100, 800));
            var silo = cluster.Silos[random.Next(1, cluster.Silos.Count)];
            await (cluster.Silos.Count < 3 ? cluster.JoinAsync() : random.Next(2) == 0 ? cluster.StopAsync(silo) : cluster.KillAsync(silo));
            await cluster.SettledAsync($"event {i}");
        }

        await stop.CancelAsync();
        var last = await writing;
        var (reads, slowest) = (0, TimeSpan.Zero);
        foreach (var reader in reading)
        {
            var (count, slow) = await reader;
            (reads, slowest) = (reads + count, slow > slowest ? slow : slowest);
        }

        Print($"{reads:N0} reads, the slowest {slowest.TotalMilliseconds:N0} ms");
        var batch = await new BatchRunner(cluster.Topology, cluster.Log).RunAsync();
        foreach (var (customer, spend) in batch.Json("spend"))
        {
            foreach (var position in last)
                Assert.Equal(
                    Encoding.UTF8.GetString(spend),
                    Encoding.UTF8.GetString(
                        (await cluster.Grains.GetGrain<IViewGrain>($"spend/{customer}").Get(new(position, 20))).State!));
        }
    }

    private static void Define(TopologyBuilder topology)
    {
        topology.DefaultPartitions = 16;
        ShopDefinitions.AddTo(topology);
    }

    /// <summary>Orders that are placed and moved, without end; answers the last position of each partition.</summary>
    private static async Task<List<PositionReply>> WriteAsync(StreamsCluster cluster, int seed, CancellationToken stop)
    {
        var (random, last) = (new Random(seed), new Dictionary<int, PositionReply>());
        while (!stop.IsCancellationRequested)
        {
            var key = $"o{random.Next(300)}";
            var value = random.Next(3) == 0 ? $$"""{"type":"moved","to":"c{{random.Next(Customers)}}"}"""
                : $$"""{"type":"placed","customer":"c{{random.Next(Customers)}}","total":{{random.Next(100)}}}""";
            var position = (await cluster.Log.AppendAsync(
                "shop.orders",
                [
                    new() { Partition = Partitioner.PartitionOf(
                        key, 16), Timestamp = 1, Key = Encoding.UTF8.GetBytes(key), Value = Encoding.UTF8.GetBytes(value) },
                ], CancellationToken.None))[0];
            last[position.Partition] = PositionReply.From(position);
            await Task.Delay(1, CancellationToken.None);
        }

        return [.. last.Values];
    }

    private static async Task<(int Reads, TimeSpan Slowest)> ReadAsync(StreamsCluster cluster, Random random, CancellationToken stop)
    {
        var (reads, slowest) = (0, TimeSpan.Zero);
        while (!stop.IsCancellationRequested)
        {
            var begin = Stopwatch.GetTimestamp();
            await TimeProvider.System.RetryReadAsync(() => cluster.Grains.GetGrain<IViewGrain>($"spend/c{random.Next(Customers)}")
                .Get(new()));
            var took = Stopwatch.GetElapsedTime(begin);
            (reads, slowest) = (reads + 1, took > slowest ? took : slowest);
            await Task.Delay(2, CancellationToken.None);
        }

        return (reads, slowest);
    }
}

file static class Reads
{
    /// <summary>As the HTTP API reads.</summary>
    internal static Task<T> RetryReadAsync<T>(this TimeProvider time, Func<Task<T>> read) =>
        ActorStreams.Grains.Reads.TransientFaults.RetryAsync(time, read, CancellationToken.None);
}
