using System.Diagnostics;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Grains.Telemetry;
using ActorStreams.Log;
using ActorStreams.States;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// One life of a partition, from a checkpoint to its end or first failure: the loop of semantics §4. Read a batch, fold it, append its frames; at a
/// checkpoint wait for the appends, then write states, position and marks in one transaction.
/// </summary>
/// <remarks>
/// At most one append is under way, beside the folding of the next batches: if it fails, nothing later has been sent, so every view partition has received a
/// prefix of the changes. What is folded meanwhile waits, up to a bound, and goes with the next append: the slower the log, the more share its flush.
/// At most one checkpoint is under way too; its frames were durable before it began.
/// </remarks>
internal sealed partial class PartitionSession
{
    /// <summary>After a checkpoint comes a rest of so many times what it took: in the meantime states change again and again, and are written once.</summary>
    private const int RestAfterWrite = 4;

    private readonly PartitionServices _services;
    private readonly PartitionMeter _meter;
    private readonly Action<FoldOutput> _publish;
    private readonly Action _settled;
    private readonly Signal _advanced;
    private readonly List<FoldOutput> _waiting = [];

    /// <summary>The traces that the outputs in <see cref="_waiting"/> belong to; empty where nobody traces.</summary>
    private readonly List<ActivityContext> _waitingTraces = [];
    private long _waitingBytes;
    private volatile Task _append = Task.CompletedTask;
    private long _routedBefore;
    private long _routedAfter;
    private Task<bool>? _checkpoint;
    private long _lastCheckpoint;
    private TimeSpan _lastWrite;
    private bool _saidMisplaced;

    private PartitionSession(PartitionServices services, PartitionFold fold, Action<FoldOutput> publish, Action settled, Signal advanced)
    {
        (_services, Fold, _publish, _settled, _advanced) = (services, fold, publish, settled, advanced);
        _meter = services.Metrics.Of(fold.Dataset, fold.Partition);
        _meter.Reset();
        (_routedBefore, _routedAfter) = (fold.NextOffset, fold.NextOffset);
        _lastCheckpoint = services.Time.GetTimestamp();
    }

    internal PartitionFold Fold { get; }

    /// <summary>Counts checkpoints: as long as it stays, the store has what it had.</summary>
    internal int Generation { get; private set; }

    /// <summary>Up to here everything is folded, and durable in the views' input logs.</summary>
    internal long Routed
    {
        get
        {
            // The order matters: an append begins before it counts.
            var after = Volatile.Read(ref _routedAfter);
            return _append.IsCompletedSuccessfully ? after : Volatile.Read(ref _routedBefore);
        }
    }

    /// <summary>Seconds since the last checkpoint, when there is something to write.</summary>
    internal double CheckpointAgeSeconds => HasUnstored ? SinceCheckpoint.TotalSeconds : 0;

    private TopicPartition Input => new(Fold.Dataset.Topic, Fold.Partition);

    private bool HasUnstored => Fold.NextOffset != (Fold.StoredPosition ?? 0);

    private TimeSpan SinceCheckpoint => _services.Time.GetElapsedTime(Interlocked.Read(ref _lastCheckpoint));

    /// <summary>At least as the options say; longer where the store is slow, so that writing takes at most a part of the time.</summary>
    private TimeSpan CheckpointInterval
    {
        get
        {
            var (asked, rest) = (TimeSpan.FromSeconds(_services.Options.CheckpointIntervalSeconds), RestAfterWrite * _lastWrite);
            return asked > rest ? asked : rest;
        }
    }

    /// <summary>Restores a partition from its checkpoint.</summary>
    /// <param name="services">What it works with.</param>
    /// <param name="dataset">The dataset.</param>
    /// <param name="partition">The partition's number.</param>
    /// <param name="publish">Called with what each batch gave, under the fold's gate.</param>
    /// <param name="settled">Called after each checkpoint, and when there is none to write.</param>
    /// <param name="advanced">Pulses whenever more is folded or routed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<PartitionSession> OpenAsync(
        PartitionServices services, Dataset dataset, int partition, Action<FoldOutput> publish, Action settled, Signal advanced, CancellationToken cancellationToken)
    {
        var fold = dataset.CreateFold(partition, services.FoldOptionsOf(dataset));
        fold.Restore(await services.Store.ReadCheckpointAsync(fold.Id, cancellationToken));
        var session = new PartitionSession(services, fold, publish, settled, advanced);
        session.SayMisplaced();
        return session;
    }

    /// <summary>Folds until it is stopped, or up to <paramref name="stopBefore"/>; then writes a last checkpoint.</summary>
    /// <param name="stopBefore">A bad record at which the dataset stops.</param>
    /// <param name="resumeAt">The first record that is still kept, where those before it are lost and folding is to go on all the same.</param>
    /// <param name="stop">Asks it to stop.</param>
    internal async Task RunAsync(long? stopBefore, long resumeAt, CancellationToken stop)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stop);
        try
        {
            await BeginAsync(resumeAt, stop);
            await FoldAllAsync(stopBefore, reading);
            await FinishCheckpointAsync();
            await FinishAppendsAsync();
            BeginCheckpoint();
            await FinishCheckpointAsync();
        }
        finally
        {
            // Whatever is still under way belongs to a life that has ended: its outcome no longer matters, but must have been looked at.
            await _append.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await (_checkpoint ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A partition that never had a checkpoint begins where its log does, which is not 0 where retention has been at work.</summary>
    private async Task BeginAsync(long resumeAt, CancellationToken stop)
    {
        if (Fold.StoredPosition is null)
            resumeAt = Math.Max(resumeAt, (await _services.Log.OffsetsAsync(Fold.Dataset.Topic, stop))[Fold.Partition].Start);
        if (resumeAt <= Fold.NextOffset)
            return;
        lock (Fold.Gate)
            Fold.SkipLost(resumeAt);
        await FoldAsync(new() { Partition = Input, Records = [], NextOffset = resumeAt, EndOffset = resumeAt });
    }

    private async Task FoldAllAsync(long? stopBefore, CancellationTokenSource reading)
    {
        var limits = new ReadLimits(_services.Options.BatchRecords, _services.Options.BatchBytes);
        var batches = _services.Log.ReadAsync(Input, Fold.NextOffset, limits, reading.Token).GetAsyncEnumerator(reading.Token);
        Task<bool>? next = null;
        try
        {
            while (stopBefore is null || Fold.NextOffset < stopBefore)
            {
                next ??= batches.MoveNextAsync().AsTask();
                await WaitAsync(next);
                await KeepAppendingAsync();
                await KeepCheckpointsAsync();
                if (!next.IsCompleted)
                    continue;
                if (!await next)
                    return;
                next = null;
                var batch = batches.Current;
                await FoldAsync(stopBefore < batch.NextOffset ? batch.Before(stopBefore.Value) : batch);
            }
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
            // Asked to stop: what is folded so far goes into the last checkpoint.
        }
        finally
        {
            await reading.CancelAsync();
            await (next ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await batches.DisposeAsync();
        }
    }

    /// <summary>Until there is a batch, an append or a checkpoint that something waits for has ended, or a checkpoint is due.</summary>
    private async ValueTask WaitAsync(Task next)
    {
        if (next.IsCompleted)
            return;
        if (!_meter.HasCaughtUp && _services.Log.KnownEnd(Input) <= Fold.NextOffset)
            _meter.CaughtUp();
        var append = _waiting.Count > 0 ? _append : next;
        if (_checkpoint is not null || _waiting.Count > 0 || !HasUnstored)
        {
            if (!HasUnstored)
                _settled();
            await Task.WhenAny(next, append, _checkpoint ?? next);
            return;
        }

        var wait = CheckpointInterval - SinceCheckpoint;
        using var due = new CancellationTokenSource();
        await Task.WhenAny(next, Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, _services.Time, due.Token));
        await due.CancelAsync();
    }

    private async Task FoldAsync(RecordBatch batch)
    {
        using var span = StreamsTraces.Process(_services, Fold, batch);
        var begin = Stopwatch.GetTimestamp();
        try
        {
            await FoldAsync(batch, span);
            _meter.Processed(Stopwatch.GetElapsedTime(begin), null);
        }
        catch (Exception error)
        {
            span.Failed(error);
            _meter.Processed(Stopwatch.GetElapsedTime(begin), error);
            throw;
        }
    }

    private async Task FoldAsync(RecordBatch batch, Activity? span)
    {
        _meter.Taken(batch);
        var begin = Stopwatch.GetTimestamp();
        var output = await Fold.FoldAsync(batch, _services.Store, _publish, CancellationToken.None);
        _meter.Folded(batch, output, Stopwatch.GetElapsedTime(begin));
        SayMisplaced();
        if (output.StoppedAt is { } offset)
            throw new BadRecordException(offset, output.DeadLetters[^1]);
        if (output.Frames.Count > 0 || output.DeadLetters.Count > 0)
        {
            _waiting.Add(output);
            _waitingBytes += output.Bytes;
            if (span is { Recorded: true } && _waitingTraces.Count < StreamsTraces.MaxLinks)
                _waitingTraces.Add(span.Context);
        }

        if (_waiting.Count == 0)
            Volatile.Write(ref _routedAfter, Fold.NextOffset);
        await KeepAppendingAsync();
        _advanced.Pulse();
    }

    private void SayMisplaced()
    {
        if (_saidMisplaced || Fold.MisplacedRecords == 0)
            return;
        _saidMisplaced = true;
        LogMisplaced(_services.Logger, Fold.Dataset.Topic, Fold.Partition, Fold.MisplacedRecords, Fold.FirstMisplaced, Fold.Dataset.Partitioner, Fold.Dataset.Name);
    }

    /// <summary>Sends on what waits, as soon as the append before has ended. Waits for that only when too much waits already.</summary>
    private async ValueTask KeepAppendingAsync()
    {
        if (_append.IsCompleted || _waitingBytes >= _services.Options.MaxWaitingBytes)
            await _append;
        if (_waiting.Count > 0 && _append.IsCompleted)
            BeginAppend();
    }

    private async ValueTask FinishAppendsAsync()
    {
        await _append;
        if (_waiting.Count > 0)
            BeginAppend();
        await _append;
    }

    private void BeginAppend()
    {
        Volatile.Write(ref _routedBefore, _routedAfter);
        _append = AppendAsync([.. _waiting], _waitingTraces.Count == 0 ? [] : [.. _waitingTraces], Fold.NextOffset);
        Volatile.Write(ref _routedAfter, Fold.NextOffset);
        _waiting.Clear();
        _waitingTraces.Clear();
        _waitingBytes = 0;
    }

    /// <summary>Appends the frames of one or more batches, each view's in the order in which they were made.</summary>
    private async Task AppendAsync(IReadOnlyList<FoldOutput> outputs, IReadOnlyList<ActivityContext> traces, long upTo)
    {
        var appends = outputs.SelectMany(output => output.Frames).GroupBy(frame => frame.View).Select(view => AppendFramesAsync(view.Key, [.. view.Select(NewRecordOf)], traces)).ToList();
        var letters = outputs.SelectMany(output => output.DeadLetters).Select(DeadLetterFormat.ToRecord).ToList();
        if (letters.Count > 0)
            appends.Add(_services.AppendTracedAsync(_services.Topology.DeadLetterTopic, letters, traces));
        await Task.WhenAll(appends);

        // Before the pulse: whoever it wakes may look before this task has ended, and is not woken again.
        Volatile.Write(ref _routedBefore, upTo);
        _advanced.Pulse();
    }

    private async Task AppendFramesAsync(Dataset view, List<NewRecord> frames, IReadOnlyList<ActivityContext> traces)
    {
        var durable = false;
        try
        {
            await _services.AppendTracedAsync(view.Topic, frames, traces);
            durable = true;
        }
        finally
        {
            _meter.Routed(view, frames.Count, durable);
        }
    }

    /// <summary>The changes in a frame have their own times. Its record's time is for people and tools, and there are logs (Kafka) that know none before 1970.</summary>
    private static NewRecord NewRecordOf(Frame frame) => new() { Partition = frame.Partition, Timestamp = Math.Max(1, frame.Timestamp), Value = frame.Bytes };

    /// <summary>Ends the checkpoint under way if it is done, and begins one if it is due. Waits only when too much is unstored.</summary>
    private async ValueTask KeepCheckpointsAsync()
    {
        if (_checkpoint is { IsCompleted: true } || (_checkpoint is not null && IsCrowded(times: 2)))
            await FinishCheckpointAsync();
        if (_checkpoint is null && HasUnstored && (SinceCheckpoint >= CheckpointInterval || IsCrowded(times: 1)))
        {
            await FinishAppendsAsync();
            BeginCheckpoint();
        }
    }

    /// <summary>Whether what the store does not have yet takes more memory than it may: no state can leave the table before it is stored.</summary>
    private bool IsCrowded(long times)
    {
        var room = Math.Max(Fold.Options.TableEntries, _services.Options.BatchRecords);
        return Fold.DirtyEntries >= times * _services.Options.MaxUnstoredStates
            || (Fold.TableEntries > times * room && 2L * Fold.DirtyEntries >= times * room);
    }

    private void BeginCheckpoint()
    {
        CheckpointWrite write;
        lock (Fold.Gate)
            write = Fold.BeginCheckpoint(Fold.StoredPosition);
        _meter.CheckpointBegun();
        _checkpoint = WriteAsync(write);
    }

    private async Task<bool> WriteAsync(CheckpointWrite write)
    {
        var begin = Stopwatch.GetTimestamp();
        bool? written = null;
        try
        {
            written = await _services.Store.WriteCheckpointAsync(write);
            return written.Value;
        }
        finally
        {
            _lastWrite = Stopwatch.GetElapsedTime(begin);
            _meter.CheckpointEnded(_lastWrite, written);
        }
    }

    private async ValueTask FinishCheckpointAsync()
    {
        if (_checkpoint is null)
            return;
        if (!await _checkpoint)
            throw new OwnerLostException(Fold.Id);
        lock (Fold.Gate)
        {
            Fold.CheckpointWritten();
            Generation++;
        }

        _meter.CheckpointStored();
        _services.Log.ReportProgress(TopicNames.Reader(_services.Topology.Application, Fold.Dataset), Input, Fold.StoredPosition!.Value);
        // The interval begins at the end of the write: where the store is slow, folding is not to write the same states again and again.
        Interlocked.Exchange(ref _lastCheckpoint, _services.Time.GetTimestamp());
        _checkpoint = null;
        _settled();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Topic '{Topic}' partition {Partition} has {Records} records so far whose key belongs to another partition by {Partitioner}, the first at offset {Offset}. "
        + "They are folded and read where they lie. Say how the producers of the topic partition it, by PartitionedBy(…) of entity '{Entity}'.")]
    private static partial void LogMisplaced(ILogger logger, string topic, int partition, long records, long offset, KeyPartitioner partitioner, string entity);
}

/// <summary>Another owner has moved the checkpoint: this one stops without a trace.</summary>
internal sealed class OwnerLostException(PartitionId partition) : Exception($"{partition} has another owner, which moved its checkpoint. This one stops.");

/// <summary>The dataset stops at bad records, and this is one.</summary>
internal sealed class BadRecordException(long offset, DeadLetter record) : Exception(record.Reason)
{
    internal long Offset { get; } = offset;

    /// <summary>The kind of fault, one of <see cref="FaultKinds.All"/>.</summary>
    internal string Kind { get; } = record.Kind;
}
