using ActorStreams.MockKafka;
using System.Diagnostics;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Kafka.Brokers;

namespace ActorStreams.Tests.Cluster;

/// <summary>
/// What may happen to a cluster, at random. A silo that has ended for whatever reason is started again after a moment, as Kubernetes would.
/// Faults may overlap, but one silo is left alone at any time, and each fault passes.
/// </summary>
internal sealed class Faults(SiloCluster cluster, Random random) : IDisposable
{
    /// <summary>Longer than the detection of failures takes with the settings of these tests.</summary>
    private const int PauseMilliseconds = 12_000;

    private readonly Lock _gate = new();
    private readonly HashSet<SiloProcess> _hit = [];
    private readonly List<Task> _passing = [];
    private readonly SortedDictionary<string, int> _counts = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly SemaphoreSlim _brokers = new(1);
    private bool _postgresDown;

    internal int Count => _counts.Values.Sum();

    /// <summary>Each kind of fault with how often it happened.</summary>
    internal string Summary => string.Join(", ", _counts.Select(kind => $"{kind.Value} {kind.Key}"));

    /// <summary>Begins one fault after the other, and waits until the last has passed.</summary>
    internal async Task RunAsync(int count, double mostSecondsBetween)
    {
        using var stop = new CancellationTokenSource();
        var supervising = SuperviseAsync(stop.Token);
        while (Count < count)
        {
            await Task.Delay(random.Next(200, (int)(mostSecondsBetween * 1_000)));
            Begin();
        }

        await Task.WhenAll(_passing);
        await stop.CancelAsync();
        await supervising;
    }

    public void Dispose() => _brokers.Dispose();

    private void Begin()
    {
        switch (random.Next(9))
        {
            case 0 or 1 when TakeSilo() is { } silo:
                Pass("SIGKILL", silo, KillAsync);
                break;
            case 2 when TakeSilo() is { } silo:
                Pass("SIGTERM", silo, StopAsync);
                break;
            case 3 when TakeSilo() is { } silo:
                Pass("SIGSTOP and SIGCONT", silo, PauseAsync);
                break;
            case 4:
                Pass("brokers down and up", null, _ => BrokersAsync());
                break;
            case 5 or 6 when cluster.Kafka is RealKafka { CanDrop: false } real:
                Pass("frozen or stopped broker", null, _ => FreezeOrStopAsync(real));
                break;
            case 5:
                Pass("produce errors", null, _ => cluster.Kafka.PushErrorsAsync(MockBrokers.Produce, Errors(6, 7, -195, 19)));
                break;
            case 6:
                Pass("fetch errors", null, _ => cluster.Kafka.PushErrorsAsync(MockBrokers.Fetch, Errors(6, -195, 7)));
                break;
            case 7:
                Pass("slow brokers", null, _ => SlowAsync());
                break;
            case 8 when !_postgresDown:
                Pass("PostgreSQL stopped immediate", null, _ => PostgresAsync());
                break;
        }
    }

    private void Pass(string kind, SiloProcess? silo, Func<SiloProcess?, Task> fault)
    {
        _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
        EndToEndTest.Print(
            $"{_clock.Elapsed.TotalSeconds,7:N1} s  {kind}{(silo is null ? "" : $" of silo {cluster.Silos.ToList().IndexOf(silo) + 1}")}");
        _passing.Add(PassAsync());

        async Task PassAsync()
        {
            await fault(silo);
            lock (_gate)
                _hit.Remove(silo!);
        }
    }

    private SiloProcess? TakeSilo()
    {
        lock (_gate)
        {
            var free = cluster.Silos.Where(silo => silo.Runs && !_hit.Contains(silo)).ToList();
            if (free.Count < 2)
                return null;
            var silo = free[random.Next(free.Count)];
            _hit.Add(silo);
            return silo;
        }
    }

    private async Task KillAsync(SiloProcess? silo)
    {
        await silo!.KillAsync();
        await Task.Delay(random.Next(100, 5_000));
        await AgainAsync(silo);
    }

    private async Task StopAsync(SiloProcess? silo)
    {
        await silo!.StopAsync();
        await Task.Delay(random.Next(100, 3_000));
        await AgainAsync(silo);
    }

    private async Task PauseAsync(SiloProcess? silo)
    {
        await silo!.PauseAsync();
        await Task.Delay(PauseMilliseconds);
        // It learns that it was taken for dead, and ends.
        await silo.ContinueAsync();
        await Task.Delay(3_000);
        await AgainAsync(silo);
    }

    private static async Task AgainAsync(SiloProcess silo)
    {
        if (!silo.Runs)
            silo.Launch();
        await silo.ReadyAgainAsync();
    }

    private async Task BrokersAsync()
    {
        var (broker, milliseconds) = (random.Next(3) == 0 ? -1 : random.Next(1, 4), random.Next(200, 4_000));
        await AloneAsync(async () =>
        {
            await cluster.Kafka.DownAsync(broker);
            await Task.Delay(milliseconds);
            await cluster.Kafka.UpAsync(broker);
        });
    }

    /// <summary>A broker that neither answers nor closes its connections, or one that hands over its partitions and ends.</summary>
    private async Task FreezeOrStopAsync(RealKafka kafka)
    {
        var (freezes, broker, milliseconds) = (random.Next(2) == 0, random.Next(1, 4), random.Next(1_000, 8_000));
        await AloneAsync(async () =>
        {
            await kafka.SignalAsync(broker, freezes ? "STOP" : "TERM");
            await Task.Delay(milliseconds);
            if (freezes)
                await kafka.SignalAsync(broker, "CONT");
            else
                await kafka.UpAsync(broker);
        });
    }

    /// <summary>Faults of brokers come one after the other, since each ends with all brokers up.</summary>
    private async Task AloneAsync(Func<Task> fault)
    {
        await _brokers.WaitAsync();
        try
        {
            await fault();
        }
        finally
        {
            _brokers.Release();
        }
    }

    private async Task SlowAsync()
    {
        await cluster.Kafka.SetRoundTripAsync(random.Next(50, 300));
        await Task.Delay(random.Next(1_000, 4_000));
        await cluster.Kafka.SetRoundTripAsync(0);
    }

    private async Task PostgresAsync()
    {
        _postgresDown = true;
        await cluster.Postgres.StopAsync("immediate");
        await Task.Delay(random.Next(200, 4_000));
        await cluster.Postgres.StartAsync();
        _postgresDown = false;
    }

    private int[] Errors(params int[] kinds) => [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => kinds[random.Next(kinds.Length)])];

    /// <summary>
    /// Starts again what has ended by itself: a silo that could not write to the membership table for long, for instance.
    /// </summary>
    private async Task SuperviseAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            foreach (var silo in cluster.Silos)
            {
                lock (_gate)
                {
                    if (!silo.Runs && !_hit.Contains(silo))
                        silo.Launch();
                }
            }

            await Task.Delay(500, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
