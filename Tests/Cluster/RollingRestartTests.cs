using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Cluster;

/// <summary>
/// A rolling update as Kubernetes makes it: a new silo becomes ready, then an old one is asked to stop. Clients go through something that
/// sends requests to silos that are ready, as a Service does, and try nothing twice. Only on request: <c>ROLL=3 APPENDS=500 READS=2000</c>,
/// and <c>ROLL_FROM=…/ActorStreams.Silo.dll</c> for an upgrade from a version without builds.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class RollingRestartTests : EndToEndTest
{
    private const int Customers = 50;
    private const int Preloaded = 100;
    private const int Partitions = 16;

    /// <summary>
    /// Requests of one kind under way: beyond, a machine that is too slow for the load is asked for less, and
    /// the test says how much it was.
    /// </summary>
    private const int MaxUnderWay = 200;

    [Fact]
    public async Task Clients_see_no_error_and_nothing_is_lost_while_silos_are_replaced_one_after_the_other()
    {
        var (replaced, appendsPerSecond, readsPerSecond) = (Number("ROLL", 0), Number("APPENDS", 50), Number("READS", 200));
        Assert.SkipUnless(replaced > 0, "It takes about a minute: ROLL=1, or ROLL=3 APPENDS=500 READS=2000.");
        var old = Environment.GetEnvironmentVariable("ROLL_FROM");
        var topics = SameAnswersTests.Topics(Partitions, Partitions);
        if (old is not null)
            topics = [.. topics, .. topics.Select(topic => (topic.Item1.Replace(".b1.", ".v1."), topic.Item2)).Except(topics)];
        await using var cluster = await SiloCluster.StartAsync(
            topics, $"--Streams:DefaultPartitions={Partitions}", "--Silo:DrainSeconds=2");
        await cluster.StartSilosAsync(3, old);
        var service = new ReadySilos(cluster);
        using var stop = new CancellationTokenSource();
        var watching = service.WatchAsync(stop.Token);
        var load = new Load(service);
        for (var i = 0; i < Preloaded; i++)
            await load.AppendAsync();

        using var end = new CancellationTokenSource();
        var begun = Stopwatch.GetTimestamp();
        var running = Task.WhenAll(
            AtRateAsync(appendsPerSecond, load.AppendAsync, end.Token), AtRateAsync(readsPerSecond, load.ReadAsync, end.Token));
        for (var left = 0; left < replaced; left++)
        {
            await cluster.NewSilo().StartAsync();
            await Task.Delay(1_000);
            Assert.Equal(0, await cluster.Silos[left].StopAsync());
            await Task.Delay(1_000);
        }

        await end.CancelAsync();
        await running;
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        Print(
            $"{load.Appended:N0} appends, {load.Read:N0} reads in {seconds:N0} s, slowest {load.Slowest.TotalSeconds:N2} s, "
            + $"{load.Errors.Count} errors while {replaced} silos were replaced.");
        Assert.Empty(load.Errors);
        var silo = cluster.Silos.First(silo => silo.Runs);
        await UntilAsync(async () => await OrdersAsync(silo) == load.Appended, $"the views have all {load.Appended} orders");
        await stop.CancelAsync();
        await watching;
    }

    private static async Task<long> OrdersAsync(SiloProcess silo)
    {
        var orders = 0L;
        for (var customer = 0; customer < Customers; customer++)
        {
            if (await silo.GetAsync($"api/views/spend/c{customer}") is { Status: HttpStatusCode.OK } answer)
                orders += answer.Json.GetProperty("state").GetProperty("orders").GetInt64();
        }

        return orders;
    }

    private static async Task AtRateAsync(int perSecond, Func<Task> act, CancellationToken end)
    {
        using var free = new SemaphoreSlim(MaxUnderWay);
        for (var (begin, done) = (Stopwatch.GetTimestamp(), 0); !end.IsCancellationRequested; await Task.Delay(5, CancellationToken.None))
        {
            for (var due = Stopwatch.GetElapsedTime(begin).TotalSeconds * perSecond; done < due && !end.IsCancellationRequested; done++)
            {
                await free.WaitAsync(CancellationToken.None);
                _ = act().ContinueWith(
                    _ => free.Release(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }

        for (var i = 0; i < MaxUnderWay; i++)
            await free.WaitAsync(CancellationToken.None);
    }

    /// <summary>The silos that say they are ready, in turn.</summary>
    private sealed class ReadySilos(SiloCluster cluster)
    {
        private volatile SiloProcess[] _ready = [.. cluster.Silos];
        private int _turn;

        internal SiloProcess Next() => _ready is { Length: > 0 } ready
            ? ready[(uint)Interlocked.Increment(ref _turn) % (uint)ready.Length]
            : throw new InvalidOperationException("No silo is ready.");

        internal async Task WatchAsync(CancellationToken stop)
        {
            while (!stop.IsCancellationRequested)
            {
                var silos = cluster.Silos.Where(silo => silo.Runs).ToArray();
                var ready = await Task.WhenAll(silos.Select(silo => silo.Client.IsReadyAsync(CancellationToken.None)));
                _ready = [.. silos.Where((_, i) => ready[i])];
                await Task.Delay(100, CancellationToken.None);
            }
        }
    }

    private sealed class Load(ReadySilos service)
    {
        private readonly Lock _gate = new();
        private int _number;
        private long _read;

        internal ConcurrentQueue<string> Errors { get; } = new();

        internal long Appended { get; private set; }

        internal long Read => Interlocked.Read(ref _read);

        internal TimeSpan Slowest { get; private set; }

        internal Task AppendAsync() => CallAsync(async silo =>
        {
            var number = Interlocked.Increment(ref _number);
            using var body = new StringContent(
                $$$"""{"key":"o{{{number}}}","value":{"type":"placed","customer":"c{{{number % Customers}}}","total":1}}""", Encoding.UTF8,
                "application/x-ndjson");
            using var answer = await silo.Http.PostAsync("api/topics/shop.orders/records", body);
            var said = await answer.Content.ReadAsStringAsync();
            if (!answer.IsSuccessStatusCode || !said.Contains("\"offset\"", StringComparison.Ordinal))
                throw new InvalidOperationException($"append: {(int)answer.StatusCode} {said}");
            lock (_gate)
                Appended++;
        });

        internal Task ReadAsync() => CallAsync(async silo =>
        {
            var number = Random.Shared.Next(1, Preloaded);
            using var answer = await silo.Http.GetAsync(number % 4 == 0
                ? $"api/views/spend/c{number % Customers}"
                : $"api/entities/order/o{number}");
            if (!answer.IsSuccessStatusCode)
                throw new InvalidOperationException($"read: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
            Interlocked.Increment(ref _read);
        });

        private async Task CallAsync(Func<SiloProcess, Task> call)
        {
            var begin = Stopwatch.GetTimestamp();
            try
            {
                await call(service.Next());
            }
            catch (Exception error)
            {
                Errors.Enqueue(error.Message);
            }

            lock (_gate)
                Slowest = Stopwatch.GetElapsedTime(begin) is var took && took > Slowest ? took : Slowest;
        }
    }
}
