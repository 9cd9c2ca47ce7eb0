using System.Diagnostics;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Grains.Telemetry;
using ActorStreams.Log;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// Keeps one partition alive on this silo: opens a session from the checkpoint, and after a failure another one. There is no other way to recover.
/// <code>
/// Starting ─► Running ─► Stopped   (a bad record, where the dataset stops at those)
///              ▲   │ ╲
///     Waiting ─┘◄──┘  ╲─► Closed   (asked to, or another owner exists)
/// </code>
/// After a failure it waits until a new session has written a checkpoint, or has nothing to fold: a session that only begins proves nothing.
/// </summary>
internal sealed partial class PartitionRunner : IAsyncDisposable
{
    private readonly PartitionServices _services;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _switching = new();
    private volatile PartitionSession? _session;
    private Task _loop = Task.CompletedTask;
    private long _caughtUp;
    private BadRecordException? _bad;
    private long _resumeAt;

    internal PartitionRunner(PartitionServices services, Dataset dataset, int partition)
    {
        (_services, Dataset, Partition) = (services, dataset, partition);
        Meter = services.Metrics.Of(dataset, partition);
        Watches = new(services.Options, services.Time, Meter);
        _caughtUp = services.Time.GetTimestamp();
    }

    internal enum RunnerStatus
    {
        Starting,
        Running,
        Waiting,
        Stopped,
        Closed,
    }

    internal Dataset Dataset { get; }

    internal int Partition { get; }

    internal KeyWatches Watches { get; }

    internal PartitionMeter Meter { get; }

    internal PartitionServices Services => _services;

    internal TopicPartition Input => new(Dataset.Topic, Partition);

    internal RunnerStatus Status { get; private set; }

    /// <summary>Why it waits or stopped.</summary>
    internal string? Reason { get; private set; }

    /// <summary>Why it does not fold, as one of <see cref="PauseReasons.All"/>; null while it does.</summary>
    internal string? PausedBy { get; private set; }

    /// <summary>Pulses whenever more is folded, more is routed, or a session begins.</summary>
    internal Signal Advanced { get; } = new();

    /// <summary>The present life; null before the first one.</summary>
    internal PartitionSession? Session => _session;

    internal int TableEntries => _session?.Fold.TableEntries ?? 0;

    internal long MisplacedRecords => _session?.Fold.MisplacedRecords ?? 0;

    /// <summary>Whether keys that belong to other partitions may stand here; true as long as nothing is known.</summary>
    internal bool MayHoldForeignKeys => _session?.Fold.MayHoldForeignKeys ?? true;

    /// <summary>Records set aside that were not folded since.</summary>
    internal long OpenDeadLetters => _session?.Fold.OpenDeadLetters?.Count ?? 0;

    internal double CheckpointAgeSeconds => _session?.CheckpointAgeSeconds ?? 0;

    internal long EndOffset => _services.Log.KnownEnd(Input) ?? NextOffset;

    internal long NextOffset => _session?.Fold.NextOffset ?? 0;

    internal long BehindRecords => Math.Max(0, EndOffset - NextOffset);

    internal double BehindSeconds
    {
        get
        {
            if (BehindRecords > 0)
                return _services.Time.GetElapsedTime(Interlocked.Read(ref _caughtUp)).TotalSeconds;
            Interlocked.Exchange(ref _caughtUp, _services.Time.GetTimestamp());
            return 0;
        }
    }

    internal PartitionStatus ToStatus() => new()
    {
        Dataset = Dataset.Name,
        Partition = Partition,
        Silo = _services.SiloName,
        Status = Status.ToString().ToLowerInvariant(),
        Reason = Reason,
        NextOffset = NextOffset,
        EndOffset = EndOffset,
        States = _session?.Fold.States ?? 0,
        TableEntries = TableEntries,
        BehindRecords = BehindRecords,
        BehindSeconds = BehindSeconds,
        MisplacedRecords = MisplacedRecords,
        MayHoldForeignKeys = MayHoldForeignKeys,
        OpenDeadLetters = OpenDeadLetters,
        CheckpointAgeSeconds = CheckpointAgeSeconds,
    };

    internal void Start() => _loop = RunAsync();

    /// <summary>Stops folding, and writes a last checkpoint.</summary>
    public async ValueTask DisposeAsync()
    {
        // Not disposed: it may be asked to stop twice, and has no timer or handle that would need it.
        await _stop.CancelAsync();
        await _loop;
    }

    private async Task RunAsync()
    {
        // The loop must not run on the grain's scheduler: folding would hold up its calls.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        // And it is no part of the call that started it: its spans belong to the records.
        Activity.Current = null;
        var (failures, begunAt) = (0, 0L);
        while (!_stop.IsCancellationRequested && Status != RunnerStatus.Closed)
        {
            try
            {
                var session = await OpenAsync().ConfigureAwait(false);
                if (Status == RunnerStatus.Waiting)
                    await Task.Delay(RetryDelay(failures), _services.Time, _stop.Token).ConfigureAwait(false);
                else
                    Run();
                begunAt = session.Fold.NextOffset;
                await session.RunAsync(_bad?.Offset, _resumeAt, _stop.Token).ConfigureAwait(false);
                if (_bad is not null)
                    await Task.Delay(Timeout.Infinite, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error) when (error is OwnerLostException or StaleOwnerException)
            {
                Meter.OwnerLost();
                LogOwnerLost(_services.Logger, Dataset.Name, Input.Topic, Partition, NextOffset, error.Message);
                Become(RunnerStatus.Closed, error.Message);
            }
            catch (OffsetOutOfRangeException error) when (error.Offset < error.Range.Start && _services.Options.LostRecords == LostRecords.GoOn)
            {
                LogLost(_services.Logger, error.Offset, error.Range.Start - 1, Input.Topic, Partition, Dataset.Name, error.Range.Start);
                Meter.Lost(error.Range.Start - error.Offset);
                _resumeAt = error.Range.Start;
            }
            catch (BadRecordException error)
            {
                // The memory is worthless. Begin again, and fold up to the bad record only.
                _bad = error;
                Run();
                LogStopped(_services.Logger, Dataset.Name, Input.Topic, Partition, error.Offset, error.Kind);
            }
            catch (Exception error)
            {
                // Whoever got on a little waits only a little.
                failures = NextOffset > begunAt ? 1 : failures + 1;
                Meter.Restarted();
                Become(RunnerStatus.Waiting, error.Message, PauseReasons.Of(error));
                LogRestart(_services.Logger, error, Dataset.Name, Input.Topic, Partition, NextOffset, failures);
                if (_session is null)
                    await Task.Delay(RetryDelay(failures), _services.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        Meter.Left();
        Watches.Break("The partition has left this silo. Resume from the last position.");
        Become(RunnerStatus.Closed, Reason);
    }

    /// <summary>The session has stored what it folded. Where that was something, or there is nothing left to fold, whatever went wrong before has passed.</summary>
    private void Settled()
    {
        if (Status == RunnerStatus.Waiting && (_session!.Generation > 0 || BehindRecords == 0))
            Run();
    }

    private void Run() => Become(
        _bad is null ? RunnerStatus.Running : RunnerStatus.Stopped,
        _bad is null ? null : $"{Input}:{_bad.Offset} cannot be folded, and the dataset stops at bad records: {_bad.Message}",
        _bad is null ? null : PauseReasons.Of(_bad));

    /// <summary>Begins to give out a key's changes from the present session's position on, and does something at exactly that point.</summary>
    internal T Watch<T>(string key, Func<PartitionSession?, T> begin)
    {
        lock (_switching)
        {
            if (_session is not { } session)
                return begin(null);
            lock (session.Fold.Gate)
            {
                session.Fold.WatchedKeys.Add(key);
                return begin(session);
            }
        }
    }

    /// <summary>No more changes of keys that nobody has watched for a while.</summary>
    private void ForgetWatches(PartitionSession session)
    {
        lock (session.Fold.Gate)
            session.Fold.WatchedKeys.ExceptWith(Watches.Forget());
    }

    private async Task<PartitionSession> OpenAsync()
    {
        var session = await PartitionSession.OpenAsync(_services, Dataset, Partition, Publish, Settled, Advanced, _stop.Token).ConfigureAwait(false);
        lock (_switching)
        {
            session.Fold.WatchedKeys.UnionWith(Watches.Keys);
            _session = session;
        }

        Advanced.Pulse();
        return session;
    }

    private void Become(RunnerStatus status, string? reason, string? pausedBy = null)
    {
        (Status, Reason, PausedBy) = (status, reason, pausedBy);
        Advanced.Pulse();
    }

    private TimeSpan RetryDelay(int failures) => TimeSpan.FromSeconds(Math.Min(
        _services.Options.MaxRetrySeconds, _services.Options.MinRetrySeconds * Math.Pow(2, Math.Min(failures - 1, 30))));

    private void Publish(FoldOutput output)
    {
        foreach (var change in output.Watched)
            Watches.Publish(change);
        if (_session is { } session && Watches.ForgetDue)
            ForgetWatches(session);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Dataset}' ({Topic}/{Partition}:{Offset}) starts again from its checkpoint after failure {Failures}.")]
    private static partial void LogRestart(ILogger logger, Exception error, string dataset, string topic, int partition, long offset, int failures);

    [LoggerMessage(Level = LogLevel.Error, Message = "The records {First} to {Last} of {Topic}/{Partition} are no longer kept and were never folded into '{Dataset}': they are lost. Streams:LostRecords is GoOn, so folding goes on at {Next}.")]
    private static partial void LogLost(ILogger logger, long first, long last, string topic, int partition, string dataset, long next);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Dataset}' ({Topic}/{Partition}:{Offset}) has another owner: {Reason}")]
    private static partial void LogOwnerLost(ILogger logger, string dataset, string topic, int partition, long offset, string reason);

    // Not the reason: it may tell of the record's key and value.
    [LoggerMessage(Level = LogLevel.Error, Message = "'{Dataset}' stops before {Topic}/{Partition}:{Offset}, which cannot be folded ({Fault}): it stops at bad records. /health/ready and /api/datasets say why.")]
    private static partial void LogStopped(ILogger logger, string dataset, string topic, int partition, long offset, string fault);
}
