using System.Collections.Concurrent;
using System.Diagnostics;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Tests.EndToEnd;
using Partitioner = ActorStreams.Log.Partitioner;

namespace ActorStreams.Tests.Cluster;

/// <summary>
/// How long a reader of his own write waits, in the partition that makes him wait the longest, while a silo is killed or
/// stopped: detection, decision, opening and folding all in one. The figures are printed, and asserted only so far as that it
/// ends. Only on request: <c>ROUNDS=10</c>.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class RecoveryTests : EndToEndTest
{
    private const int Partitions = 16;

    [Fact]
    public async Task Partitions_of_a_silo_that_is_killed_or_stopped_fold_again_on_the_others_and_are_spread_evenly()
    {
        var rounds = Number("ROUNDS", 0);
        Assert.SkipUnless(rounds > 0, "It measures, and takes half a minute a round: ROUNDS=10.");
        await using var cluster = await SiloCluster.StartAsync(
            SameAnswersTests.Topics(Partitions, Partitions), $"--Streams:DefaultPartitions={Partitions}",
            "--Logging:LogLevel:Orleans.Runtime.MembershipService=Information");
        await cluster.StartSilosAsync(3);
        var lines = new ConcurrentQueue<(long At, string Text)>();
        foreach (var silo in cluster.Silos)
            silo.OnLine = line => lines.Enqueue((Stopwatch.GetTimestamp(), line));
        var (killed, stopped) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            var silo = cluster.Silos[1 + (round % 2)];
            lines.Clear();
            var kill = 0L;
            killed.Add(await LongestWaitAsync(cluster.Silos[0], () =>
            {
                kill = Stopwatch.GetTimestamp();
                return silo.KillAsync();
            }));
            Print($"{killed[^1]:N2} s: suspected after {After(" suspect"):N2} s, new owners after {After("partitions move"):N2} s");
            await silo.StartAsync();
            await EvenAsync(cluster, 3);
            stopped.Add(await LongestWaitAsync(cluster.Silos[0], silo.StopAsync));
            await silo.StartAsync();
            await EvenAsync(cluster, 3);

            double After(
                string text) => lines.Where(line => line.At > kill && line.Text.Contains(text, StringComparison.OrdinalIgnoreCase))
                    .Select(line => Stopwatch.GetElapsedTime(kill, line.At).TotalSeconds).DefaultIfEmpty(double.NaN).First();
        }

        Print(
            $"SIGKILL: median {killed.Order().ElementAt(rounds / 2):N2} s, worst {killed.Max():N2} s; SIGTERM: median "
            + $"{stopped.Order().ElementAt(rounds / 2):N2} s, worst {stopped.Max():N2} s");
    }

    /// <summary>The partitions of each dataset, by silo, as the silos themselves say.</summary>
    private static async Task EvenAsync(SiloCluster cluster, int silos)
    {
        await UntilAsync(
            async () =>
            {
                var owners = (await cluster.Silos[0].GetAsync("api/datasets/order/partitions")).Json.EnumerateArray()
                    .Select(partition => partition.GetProperty("silo").GetString()).ToList();
                var counts = owners.GroupBy(owner => owner).Select(owner => owner.Count()).ToList();
                return counts.Count == silos && counts.TrueForAll(count => count is 5 or 6);
            },
            "16 partitions are spread over 3 silos, 5 or 6 each");
    }

    private static async Task<double> LongestWaitAsync(SiloProcess asked, Func<Task> happen)
    {
        using var stop = new CancellationTokenSource();
        var happened = new TaskCompletionSource();
        var loops = Enumerable.Range(0, Partitions).Select(partition => Task.Run(async () =>
        {
            var (longest, done) = (0.0, false);
            var key = Enumerable.Range(0, int.MaxValue).Select(i => $"r{i}")
                .First(key => Partitioner.PartitionOf(key, Partitions) == partition);
            while (!done)
            {
                done = happened.Task.IsCompleted;
                var begin = Stopwatch.GetTimestamp();
                var position = (await asked.Client.AppendAsync(
                    "shop.orders", [new() { Key = key, Value = new { type = "placed", customer = "c", total = 1 } }]))[0];
                while (await TryReadAsync(asked, key, position) is false)
                {
                }

                longest = Math.Max(longest, Stopwatch.GetElapsedTime(begin).TotalSeconds);
                await Task.Delay(10);
            }

            return longest;
        })).ToList();
        await Task.Delay(300);
        await happen();
        await Task.Delay(1_000);
        happened.SetResult();
        return (await Task.WhenAll(loops)).Max();
    }

    private static async Task<bool> TryReadAsync(SiloProcess silo, string key, Position position)
    {
        try
        {
            return await silo.Client.GetAsync<object>("order", key, new() { AtLeast = position, TimeoutSeconds = 30 }) is not null;
        }
        catch (ActorStreamsException)
        {
            return false;
        }
    }
}
