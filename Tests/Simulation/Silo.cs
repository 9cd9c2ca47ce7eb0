using System.Diagnostics.Metrics;
using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Partitions;
using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Telemetry;
using ActorStreams.States;
using ActorStreams.Tests.Simulation.Ports;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.Simulation;

/// <summary>
/// A process that owns partitions, with a scheduler and a clock of its own.
/// <code>
/// Member ─► Zombie (no longer of the cluster, and does not know) ─► Crashed
///    └──────────────────────────────────────────────────────────────► Crashed (nothing of it runs again)
/// </code>
/// </summary>
internal sealed class Silo : ILogger, IMeterFactory
{
    private readonly Simulation _simulation;
    private readonly Meter _meter;
    private readonly Dictionary<PartitionRunner, Retries> _retries = [];

    internal Silo(Simulation simulation, int number)
    {
        (_simulation, Number, _meter) = (simulation, number, new("simulation"));
        (Scheduler, Clock) = (new(simulation), new(simulation));
        var (log, random) = (new SimLogPort(simulation, this), simulation.Random);
        Services = new(
            simulation.Topology, log, new SimStorePort(simulation, this), Options(random), Clock,
            new(this, simulation.Topology, log, Clock), this)
        {
            Scheduler = Scheduler,
            Fold = new()
            {
                MaxFrameBytes = random.Next(1, 600),
                TableBytes = Any(random, 500, 3_000, 64 << 20),
                SliceBytes = Any(random, 1, 300, 1 << 20),
                SpareRanks = random.Next(4),
                KnownElements = random.Next(4),
            },
        };
    }

    internal int Number { get; }

    internal SiloStatus Status { get; private set; }

    internal SimScheduler Scheduler { get; }

    internal SimClock Clock { get; }

    internal PartitionServices Services { get; }

    internal Dictionary<PartitionId, PartitionRunner> Runners { get; } = [];

    /// <summary>Starts the partition here, unless it runs.</summary>
    internal void Keep(Dataset dataset, int partition)
    {
        var id = new PartitionId(dataset.Name, dataset.Build, partition);
        if (Runners.TryGetValue(id, out var runner) && runner.Status != RunnerStatus.Closed)
            return;
        runner = Runners[id] = new(Services, dataset, partition);
        runner.Start();
    }

    /// <summary>Runs something on this silo, as a grain would.</summary>
    internal void Run(Func<Task> action) => Task.Factory.StartNew(
        async () =>
        {
            try
            {
                await action();
            }
            catch (Exception error)
            {
                _simulation.Fail($"A client of silo {Number} met {error}");
            }
        },
        CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler);

    internal void Become(SiloStatus status)
    {
        Status = status;
        if (status != SiloStatus.Crashed)
            return;
        Scheduler.Stop();
        _meter.Dispose();
    }

    /// <summary>Checks what holds after every event of the silo.</summary>
    internal void Check()
    {
        foreach (var runner in Runners.Values)
        {
            if (!_retries.TryGetValue(runner, out var retries))
                _retries.Add(runner, retries = new(Services.Options));
            if (retries.Fault(runner, Clock.GetUtcNow()) is { } fault)
                _simulation.Fail(fault);
        }
    }

    /// <summary>A partition that has stopped appends nothing more.</summary>
    internal void RequireRunning(IReadOnlyList<NewRecord> records)
    {
        if (records[0].Key is not null)
            return;
        var frame = new FrameReader(records[0].Value!.Value);
        var stopped = Runners.Where(runner => runner.Value.Status == RunnerStatus.Stopped).Select(runner => runner.Key);
        foreach (var id in stopped)
        {
            if (id.Dataset == frame.Source && id.Partition == frame.SourcePartition)
                _simulation.Fail($"{id} has stopped on silo {Number}, but appends.");
        }
    }

    /// <summary>Failures that no fault of the simulation explains are faults of the engine.</summary>
    void ILogger.Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _simulation.Trace($"silo {Number}: {formatter(state, null)}");
        // A record that a stale owner misses was removed, since its successor has folded it.
        if (exception is not (null or LogUnavailableException or StoreUnavailableException or OffsetOutOfRangeException
            or RefusedException))
            _simulation.Fail($"{formatter(state, null)} {exception}");
    }

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    Meter IMeterFactory.Create(MeterOptions options) => _meter;

    void IDisposable.Dispose() => _meter.Dispose();

    private static StreamsOptions Options(Random random) => new()
    {
        TableEntries = random.Next(4) == 0 ? 0 : random.Next(1, 12),
        CheckpointIntervalSeconds = Any(random, 0.01, 0.05, 0.3, 1),
        MaxUnstoredStates = Any(random, 1, 5, 100_000),
        BatchRecords = Any(random, 1, 3, 8, 50),
        MaxWaitingBytes = Any(random, 1, 300, 2 << 20),
        WatchHistoryChanges = Any(random, 1, 2, 5, 256),
        WatchHistorySeconds = Any(random, 0, 5, 60),
        WatchBufferChanges = Any(random, 1, 3, 1_024),
        MaxHistoryFolds = random.Next(1, 3),
        // No owner ever loses a record that it has not folded, so this makes no difference.
        LostRecords = Any(random, LostRecords.Wait, LostRecords.GoOn),
    };

    private static T Any<T>(Random random, params T[] values) => values[random.Next(values.Length)];

    /// <summary>The retries of one runner: each pause is at least twice the one before, as long as nothing was stored.</summary>
    private sealed class Retries(StreamsOptions options)
    {
        private PartitionSession? _session;
        private DateTimeOffset _opened;
        private int _inARow;

        internal string? Fault(PartitionRunner runner, DateTimeOffset now)
        {
            if (runner.Status is not (RunnerStatus.Waiting or RunnerStatus.Starting))
                _inARow = 0;
            if (runner.Session == _session)
                return null;
            var pause = Math.Min(options.MaxRetrySeconds, options.MinRetrySeconds * Math.Pow(2, _inARow));
            var waited = (now - _opened).TotalSeconds;
            // A partition that has met a bad record folds up to it at once; only a failure is followed by a pause.
            var isRetry = runner.Status == RunnerStatus.Waiting && runner.PausedBy != PauseReason.BadRecord;
            (_session, _opened, _inARow) = (runner.Session, now, isRetry ? _inARow + 1 : 0);
            return isRetry && waited < pause - 0.001
                ? $"{runner.Input} begins again {waited:0.000} s after the retry before, but is to pause {pause:0.0} s." : null;
        }
    }
}

/// <summary>What a silo is to the cluster; <see cref="Silo"/> has the diagram.</summary>
internal enum SiloStatus
{
    Member,
    Zombie,
    Crashed,
}
