using System.Diagnostics;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;
using ActorStreams.Partitions.Watching;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Partitions.Running;

/// <summary>
/// Keeps one partition alive in this process: opens a session from the checkpoint, and after a failure another one. There is no other way
/// to recover. <see cref="RunnerStatus"/> has its states, <see cref="Failures"/> the rules of retries.
/// </summary>
internal sealed partial class PartitionRunner : IAsyncDisposable
{
    private readonly PartitionServices _services;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _switching = new();
    private readonly Failures _failures;
    private readonly SessionEvents _events;
    private volatile PartitionSession? _session;
    private volatile PartitionSession? _readable;
    private Task _loop = Task.CompletedTask;
    private long _caughtUp;
    private long _lastStored;
    private StopPlace? _stopPlace;
    private CancellationTokenSource? _life;
    private long _resumeAt;

    internal PartitionRunner(PartitionServices services, Dataset dataset, int partition)
    {
        (_services, Dataset, Partition) = (services, dataset, partition);
        Meter = services.Metrics.Of(dataset, partition);
        Watches = new(services.Options, services.Time, Meter);
        History = new(
            services.Log, dataset, partition, () => _session?.Fold.Log, services.HistoryFolds, services.Time, services.Scheduler);
        Gate = new(services, dataset);
        _failures = new(services.Options);
        _events = new(Publish, Settled, Advanced);
        (_caughtUp, _lastStored) = (services.Time.GetTimestamp(), services.Time.GetTimestamp());
    }

    internal Dataset Dataset { get; }

    internal int Partition { get; }

    internal KeyWatches Watches { get; }

    /// <summary>Where readers enter.</summary>
    internal ReadGate Gate { get; }

    internal PartitionMeter Meter { get; }

    /// <summary>The changes of keys that are no longer in memory.</summary>
    internal KeyHistory History { get; }

    internal PartitionServices Services => _services;

    internal TopicPartition Input => new(Dataset.Topic, Partition);

    internal RunnerStatus Status { get; private set; }

    /// <summary>Why it waits or stopped.</summary>
    internal string? Reason { get; private set; }

    /// <summary>
    /// Where the log holds its readers, since earlier records are not decided yet: in Kafka an open transaction of another
    /// producer. Null when it does not.
    /// </summary>
    internal string? Held => _services.Log.HeldAt(Input) is not { } held ? null : string.Create(
        CultureInfo.InvariantCulture,
        $"{Input} is held at offset {held.Offset} since {held.Since:O}: the transaction of another producer is open there. "
        + $"Its producer must end it.");

    /// <summary>The offset of the record before which it stands; null unless it has stopped at one.</summary>
    internal long? StoppedAt =>
        Status == RunnerStatus.Stopped && _stopPlace is { PausedBy: not PauseReason.LogChanged } place ? place.Offset : null;

    /// <summary>Why it does not fold, in a word; null while it does.</summary>
    internal PauseReason? PausedBy { get; private set; }

    /// <summary>Pulses whenever more is folded, more is routed, or a session begins.</summary>
    internal Signal Advanced { get; } = new();

    /// <summary>The present life; null before the first one.</summary>
    internal PartitionSession? Session => _session;

    /// <summary>
    /// The life that readers see; null when none may be read. After a failure of the log or the store it is the one before, until the
    /// present one has folded as far: a key that was read does not go back.
    /// </summary>
    internal PartitionSession? Readable => _readable;

    internal int TableEntries => _session?.Fold.TableEntries ?? 0;

    internal long States => _session?.Fold.States ?? 0;

    internal long MisplacedRecords => _session?.Fold.MisplacedRecords ?? 0;

    /// <summary>Whether keys that belong to other partitions may stand here; true as long as nothing is known.</summary>
    internal bool MayHoldMisplacedKeys => _session?.Fold.MayHoldMisplacedKeys ?? true;

    /// <summary>Records set aside that were not folded since.</summary>
    internal long OpenDeadLetters => _session?.Fold.OpenDeadLetters?.Count ?? 0;

    /// <summary>Seconds since the last checkpoint, when there is something to write.</summary>
    internal double CheckpointAgeSeconds => Status == RunnerStatus.Waiting || _session?.HasUnstored == true
        ? _services.Time.GetElapsedTime(Interlocked.Read(ref _lastStored)).TotalSeconds : 0;

    internal long EndOffset => _services.Log.KnownEnd(Input) ?? NextOffset;

    /// <summary>The next offset to fold; while the partition fails, the position of its checkpoint.</summary>
    internal long NextOffset =>
        _session is not { } session ? 0 : Status == RunnerStatus.Waiting ? session.Fold.StoredPosition ?? 0 : session.Fold.NextOffset;

    /// <summary>Records still to fold; where the log is another one, all that it has.</summary>
    internal long BehindRecords => Math.Max(0, PausedBy == PauseReason.LogChanged ? EndOffset : EndOffset - NextOffset);

    internal double BehindSeconds
    {
        get
        {
            if (BehindRecords > 0 || PausedBy == PauseReason.LogChanged)
                return _services.Time.GetElapsedTime(Interlocked.Read(ref _caughtUp)).TotalSeconds;
            Interlocked.Exchange(ref _caughtUp, _services.Time.GetTimestamp());
            return 0;
        }
    }

    // On its own scheduler: on the grain's, folding would hold up the grain's calls.
    internal void Start() => _loop = Task.Factory.StartNew(
        RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _services.Scheduler).Unwrap();

    /// <summary>Begins again from a checkpoint that is written now: the views that are fed from here have changed.</summary>
    internal void Reopen()
    {
        lock (_switching)
            _life?.Cancel();
    }

    /// <summary>Stops folding, and writes a last checkpoint.</summary>
    public async ValueTask DisposeAsync()
    {
        // Not disposed: it may be asked to stop twice, and has no timer or handle that would need it.
        _stop.Cancel();
        await _loop;
    }

    private async Task RunAsync()
    {
        // The loop is no part of the call that started it: its spans belong to the records.
        Activity.Current = null;
        var every = TimeSpan.FromSeconds(Math.Max(1, _services.Options.WatchHistorySeconds / 4));
        using var forget = _services.Time.CreateTimer(_ => ForgetWatches(), null, every, every);
        while (!_stop.IsCancellationRequested && Status != RunnerStatus.Closed)
        {
            try
            {
                using var life = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                lock (_switching)
                    _life = life;
                await RunSessionAsync(life.Token);
            }
            catch (OperationCanceledException) when (!_stop.IsCancellationRequested && _life is { IsCancellationRequested: true })
            {
                // Its views have changed: the next session has the new ones.
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                Failed(error);
            }
        }

        Meter.Left();
        lock (_switching)
            _readable = null;
        Watches.Close("The partition has left this silo. Resume from the last position.");
        Become(RunnerStatus.Closed, Reason);
        lock (_switching)
            _command?.Failed(PartitionClosedException.Of(this));
    }

    private async Task RunSessionAsync(CancellationToken life)
    {
        if (_failures.Pause is var pause && pause > TimeSpan.Zero)
            await Task.Delay(pause, _services.Time, life);
        var session = await PartitionSession.OpenAsync(_services, Dataset, Partition, _events, life);
        RequireOwnCheckpoint(session);
        Open(session);
        if (Status == RunnerStatus.Starting && _stopPlace is null)
            Become(RunnerStatus.Running, null);
        var careful = Math.Max(_failures.CarefulUpTo, _command?.Order.Offset + 1 ?? 0);
        await session.RunAsync(new(_stopPlace?.Offset, _resumeAt, careful, _command?.Order), life);
        if (_stopPlace is { } place)
            await StandAsync(place, life);
    }

    /// <summary>
    /// A checkpoint that the session before did not write is of another owner. Watchers here have not seen the changes up to it, so this
    /// runner does not go on from it; the keeper starts another where the partition belongs.
    /// </summary>
    private void RequireOwnCheckpoint(PartitionSession session)
    {
        if (_session is { } before && !before.Fold.IsOwn(session.Fold.StoredNumber, session.Fold.StoredPosition))
            throw new OwnerLostException(session.Fold.Id);
    }

    private void Open(PartitionSession session)
    {
        lock (_switching)
        {
            session.Fold.WatchedKeys.UnionWith(Watches.Keys);
            _session = session;
            if (_readable is null || _readable.Fold.NextOffset <= session.Fold.NextOffset)
                _readable = session;
        }

        Advanced.Pulse();
    }

    private void Failed(Exception error)
    {
        var (stored, folded) = (_session?.Fold.StoredPosition ?? 0, _session?.Fold.NextOffset ?? 0);
        if (!Failures.IsOutside(error))
            _readable = null;
        switch (error)
        {
            case OwnerLostException or StaleOwnerException:
                Meter.OwnerLost();
                LogOwnerLost(_services.Logger, Dataset.Name, Input.Topic, Partition, folded, error.Message);
                Become(RunnerStatus.Closed, error.Message);
                return;
            case OffsetOutOfRangeException lost when lost.Offset < lost.Range.Start && _services.Options.LostRecords == LostRecords.GoOn:
                LogLost(_services.Logger, lost.Offset, lost.Range.Start - 1, Input.Topic, Partition, Dataset.Name, lost.Range.Start);
                Meter.Lost(lost.Range.Start - lost.Offset);
                _resumeAt = lost.Range.Start;
                return;
            case BadRecordException bad:
                // The memory is worthless. Begin again, and fold up to the bad record only.
                Stop(new(bad.Offset, PauseReasons.Of(bad), $"the dataset stops at bad records: {bad.Message}"), bad.Kind.Word());
                return;
            case LogChangedException or OffsetOutOfRangeException { IsAfterEnd: true }:
                // Begin again, and stay at the checkpoint: nothing of this log is read.
                Stop(new(stored, PauseReason.LogChanged, error.Message), error.GetType().Name);
                return;
        }

        _failures.Add(error, stored, folded);
        Meter.Restarted();
        LogRestart(_services.Logger, error, Dataset.Name, Input.Topic, Partition, folded, _failures.InARow, _failures.Pause.TotalSeconds);
        if (_failures.IsHopeless && !Failures.IsOutside(error))
            Stop(new(stored, PauseReason.Failure, $"it failed {_failures.AtPlace} times: {error.Message}"), error.GetType().Name);
        else
            Become(RunnerStatus.Waiting, error.Message, PauseReasons.Of(error));
    }

    private void Stop(StopPlace place, string kind)
    {
        EndCommand(new NotStoppedThereException($"It stopped again: {place.Sentence(Input)}"));
        // It has stopped when a new life has folded everything before the place.
        _stopPlace = place;
        Become(RunnerStatus.Waiting, place.Sentence(Input), place.PausedBy);
        if (place.PausedBy == PauseReason.LogChanged)
            LogChanged(_services.Logger, Dataset.Name, place.Why);
        else
            LogStopped(_services.Logger, Dataset.Name, Input.Topic, Partition, place.Offset, kind);
    }

    /// <summary>The session has written a checkpoint, or has nothing to fold: whatever went wrong before has passed.</summary>
    private void Settled(PartitionSession session)
    {
        if (session.Generation == 0 && BehindRecords > 0)
            return;
        Interlocked.Exchange(ref _lastStored, _services.Time.GetTimestamp());
        // Only a checkpoint that was written proves that the next failure is another one.
        if (session.Generation > 0)
            _failures.Clear(session.Fold.StoredPosition ?? 0);
        if (Status == RunnerStatus.Waiting && _stopPlace is null)
            Become(RunnerStatus.Running, null);
        if (session.Fold.OrderedOffset < session.Fold.StoredPosition)
            EndCommand(null);
    }

    /// <summary>
    /// Begins to give out a key's changes from the present session's position on, and does something at exactly that point.
    /// </summary>
    /// <exception cref="PartitionClosedException">The partition does not run here any more, or cannot be read now.</exception>
    internal T Watch<T>(string key, Func<PartitionSession, T> begin)
    {
        lock (_switching)
        {
            if (_session is not { } session || _readable is not { } readable)
                throw PartitionClosedException.Of(this);
            lock (session.Fold.Gate)
            {
                var result = begin(readable);
                session.Fold.WatchedKeys.Add(key);
                return result;
            }
        }
    }

    /// <summary>Ends the giving out of changes of keys that have had no watcher for a while; also of a partition at rest.</summary>
    private void ForgetWatches()
    {
        lock (_switching)
        {
            if (_session is not { } session || Watches.Forget() is not { Count: > 0 } forgotten)
                return;
            lock (session.Fold.Gate)
                session.Fold.WatchedKeys.ExceptWith(forgotten);
        }
    }

    private void Become(RunnerStatus status, string? reason, PauseReason? pausedBy = null)
    {
        (Status, Reason, PausedBy) = (Status.To(status), reason, pausedBy);
        Advanced.Pulse();
    }

    private void Publish(FoldOutput output)
    {
        foreach (var change in output.Watched)
            Watches.Publish(change);
        if (_session is { } session && _readable != session && (_readable is null || session.Fold.NextOffset >= _readable.Fold.NextOffset))
            _readable = session;
    }

    /// <summary>Where a partition stands still.</summary>
    private sealed record StopPlace(long Offset, PauseReason PausedBy, string Why)
    {
        internal string Sentence(TopicPartition input) =>
            PausedBy == PauseReason.LogChanged ? Why : $"{input}:{Offset} cannot be folded, and {Why}";
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Dataset}' ({Topic}/{Partition}:{Offset}) begins again from its checkpoint after "
        + "failure {Failures} in a row, in {Seconds:0.#} s.")]
    private static partial void LogRestart(
        ILogger logger, Exception error, string dataset, string topic, int partition, long offset, int failures, double seconds);

    [LoggerMessage(
        Level = LogLevel.Error, Message = "The records {First} to {Last} of {Topic}/{Partition} are no longer kept and were never "
            + "folded into '{Dataset}': they are lost. Streams:LostRecords is GoOn, so folding goes on at {Next}.")]
    private static partial void LogLost(ILogger logger, long first, long last, string topic, int partition, string dataset, long next);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Dataset}' ({Topic}/{Partition}:{Offset}) has another owner: {Reason}")]
    private static partial void LogOwnerLost(ILogger logger, string dataset, string topic, int partition, long offset, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "'{Dataset}' stops, and its states stay readable: {Reason}")]
    private static partial void LogChanged(ILogger logger, string dataset, string reason);

    // Not the reason: it may contain the record's key and value.
    [LoggerMessage(
        Level = LogLevel.Error, Message = "'{Dataset}' stops before {Topic}/{Partition}:{Offset}, which cannot be folded ({Fault}). "
            + "/health/ready and /api/datasets have the reason.")]
    private static partial void LogStopped(ILogger logger, string dataset, string topic, int partition, long offset, string fault);
}

/// <summary>
/// The partition does not answer here: it is starting, is beginning again, or has left. Try again, at its present owner.
/// </summary>
internal sealed class PartitionClosedException(string message) : Exception(message)
{
    internal static PartitionClosedException Of(PartitionRunner runner) => new(runner.Status == RunnerStatus.Closed
        ? $"{runner.Dataset} partition {runner.Partition} has left this silo. Try again."
        : $"{runner.Dataset} partition {runner.Partition} does not answer: {runner.Reason ?? "it is starting"}. Try again.");
}
