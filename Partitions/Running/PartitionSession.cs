using System.Diagnostics;
using System.Runtime.CompilerServices;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Partitions.Running;

/// <summary>
/// One life of a partition, from a checkpoint to its end or first failure: the loop of semantics §4. It reads a batch, folds it and appends
/// its frames (<see cref="FrameAppends"/>); at a checkpoint (<see cref="Checkpoints"/>) it waits for the appends, then writes states,
/// position and marks in one transaction.
/// </summary>
internal sealed partial class PartitionSession
{
    /// <summary>The longest that a session folds without letting other work of its thread pool in.</summary>
    private static readonly TimeSpan MaxTurn = TimeSpan.FromMilliseconds(10);

    private readonly PartitionServices _services;
    private readonly SessionEvents _events;
    private readonly PartitionMeter _meter;
    private readonly FrameAppends _appends;
    private readonly Checkpoints _checkpoints;
    private readonly Backfills _backfills;
    private long _lastYield;
    private bool _hasLoggedMisplaced;

    private PartitionSession(PartitionServices services, PartitionFold fold, SessionEvents events)
    {
        (_services, Fold, _events) = (services, fold, events);
        _meter = services.Metrics.Of(fold.Dataset, fold.Partition);
        _meter.Reset();
        _appends = new(services, fold, _meter, events.Advanced);
        _checkpoints = new(services, fold, _meter, _appends);
        _backfills = new(services, fold);
    }

    internal PartitionFold Fold { get; }

    /// <inheritdoc cref="Checkpoints.Generation"/>
    internal int Generation => _checkpoints.Generation;

    /// <inheritdoc cref="FrameAppends.Routed"/>
    internal long Routed => _appends.Routed;

    /// <inheritdoc cref="Checkpoints.HasUnstored"/>
    internal bool HasUnstored => _checkpoints.HasUnstored;

    private TopicPartition Input => new(Fold.Dataset.Topic, Fold.Partition);

    /// <summary>Restores a partition from its checkpoint.</summary>
    internal static async Task<PartitionSession> OpenAsync(
        PartitionServices services, Dataset dataset, int partition, SessionEvents events, CancellationToken cancellationToken)
    {
        var fold = dataset.CreateFold(partition, services.FoldOptionsOf(dataset));
        fold.Restore(await services.Store.ReadCheckpointAsync(fold.Id, cancellationToken));
        if (fold.DroppedEdges.Count > 0)
            await services.EdgesDropped(dataset, fold.DroppedEdges, cancellationToken);
        var session = new PartitionSession(services, fold, events);
        session.LogMisplaced();
        return session;
    }

    /// <summary>Folds until it is stopped, or up to <see cref="SessionPlan.StopBefore"/>; then writes a last checkpoint.</summary>
    internal async Task RunAsync(SessionPlan plan, CancellationToken stop)
    {
        try
        {
            Fold.Order = plan.Order;
            await KeepChunkAsync(stop);
            await BeginAsync(plan.ResumeAt, stop);
            if (plan.CarefulUpTo > Fold.NextOffset)
                await FoldAllAsync(
                    plan.CarefulUpTo < plan.StopBefore ? plan.CarefulUpTo : plan.StopBefore ?? plan.CarefulUpTo, careful: true, stop);
            await FoldAllAsync(plan.StopBefore, careful: false, stop);
            await StoreAsync();
        }
        catch (Exception gone) when (gone is LogChangedException or UnknownTopicException)
        {
            // What is folded can be folded from no other log: it is stored, with what it was folded from.
            await StoreAsync();
            throw;
        }
        finally
        {
            // What is still under way belongs to a life that has ended. Its outcome no longer matters, but must be observed.
            await Ended(_appends.UnderWay);
            await Ended(_checkpoints.UnderWay ?? Task.CompletedTask);
        }
    }

    /// <summary>
    /// A partition that never had a checkpoint begins where its log does, which is not 0 where retention has removed records.
    /// </summary>
    private async Task BeginAsync(long resumeAt, CancellationToken stop)
    {
        if (Fold.StoredPosition is null)
            resumeAt = Math.Max(resumeAt, (await _services.Log.OffsetsAsync(Fold.Dataset.Topic, stop))[Fold.Partition].Start);
        if (resumeAt <= Fold.NextOffset)
            return;
        await RequireOwnerAsync(stop);
        lock (Fold.Gate)
            Fold.SkipLost(resumeAt);
        await FoldAroundChunkAsync(new() { Partition = Input, Records = [], NextOffset = resumeAt, EndOffset = resumeAt }, stop);
    }

    /// <summary>
    /// Records are lost only if no other owner has folded them since this one read its checkpoint. Folding on without them would make
    /// changes that never were. Positions never go back, so reading the checkpoint after the log's beginning suffices.
    /// </summary>
    private async Task RequireOwnerAsync(CancellationToken stop)
    {
        var number = (await _services.Store.ReadCheckpointAsync(Fold.Id, stop))?.Number ?? 0;
        if (number != Fold.StoredNumber)
            throw new StaleOwnerException(Fold.Id, Fold.StoredNumber, number);
    }

    /// <summary>
    /// Folds until it is stopped, or up to an offset; where it is careful, record by record, each stored before the next.
    /// </summary>
    private async Task FoldAllAsync(long? stopBefore, bool careful, CancellationToken stop)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var limits = new ReadLimits(careful ? 1 : _services.Options.BatchRecords, _services.Options.BatchBytes);
        var batches = _services.Log.ReadAsync(Input, Fold.NextOffset, limits, Fold.Log, reading.Token)
            .GetAsyncEnumerator(reading.Token);
        Task<bool>? next = null;
        try
        {
            while (stopBefore is null || Fold.NextOffset < stopBefore)
            {
                if (!careful && _backfills.Due is { } edge)
                    await BeginChunkAsync(edge, stop);
                next ??= batches.MoveNextAsync().AsTask();
                await WaitAsync(next);
                await _appends.KeepAsync();
                await KeepCheckpointsAsync();
                if (!next.IsCompleted)
                    continue;
                if (!await next)
                    return;
                next = null;
                var batch = batches.Current;
                await FoldAroundChunkAsync(stopBefore < batch.NextOffset ? batch.Before(stopBefore.Value) : batch, stop);
                if (careful)
                    await StoreAsync();
                await YieldAsync();
            }
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
            // Stopped: what is folded so far goes into the last checkpoint.
        }
        finally
        {
            reading.Cancel();
            await Ended(next ?? Task.CompletedTask);
            await batches.DisposeAsync();
        }
    }

    /// <summary>
    /// A partition that is far behind finds every next batch ready, and would keep its thread for long: other work of the process waits.
    /// </summary>
    private async ValueTask YieldAsync()
    {
        if (_services.Time.GetElapsedTime(_lastYield) < MaxTurn)
            return;
        await Task.Yield();
        _lastYield = _services.Time.GetTimestamp();
    }

    /// <summary>Waits for a batch, for an append or checkpoint whose end matters, or until a checkpoint is due.</summary>
    private async ValueTask WaitAsync(Task next)
    {
        if (next.IsCompleted)
            return;
        if (!_meter.HasCaughtUp && _services.Log.KnownEnd(Input) <= Fold.NextOffset)
            _meter.CaughtUp();
        var append = _appends.HasWaiting ? _appends.UnderWay : next;
        if (!HasUnstored)
            _events.Settled(this);
        if (UntilDue is not { } wait)
        {
            await Task.WhenAny(next, append, _checkpoints.UnderWay ?? next);
            return;
        }

        using var due = new CancellationTokenSource();
        await Task.WhenAny(next, Task.Delay(wait, _services.Time, due.Token));
        due.Cancel();
    }

    /// <summary>The time until a checkpoint or a chunk of a backfill is due; null when there is something else to wait for.</summary>
    private TimeSpan? UntilDue
    {
        get
        {
            if (_checkpoints.UnderWay is not null || _appends.HasWaiting)
                return null;
            var checkpoint = HasUnstored ? _checkpoints.UntilDue : (TimeSpan?)null;
            return _backfills.UntilDue is { } chunk && !(checkpoint < chunk) ? chunk : checkpoint;
        }
    }

    /// <summary>Begins the next chunk of a view that lacks states; the stages are those of <see cref="EdgeReach"/>.</summary>
    private async Task BeginChunkAsync(EdgeReach edge, CancellationToken stop)
    {
        _backfills.Begin();
        lock (Fold.Gate)
            Fold.BeginChunk(edge);
        await StoreAsync();
        await KeepChunkAsync(stop);
    }

    /// <summary>Takes the chunk in hand as far as it goes at the present position.</summary>
    private async Task KeepChunkAsync(CancellationToken stop)
    {
        while (Fold.IsChunkDue)
        {
            var edge = Fold.Chunking!;
            if (edge.Stage == EdgeReach.Stages.Fencing)
                await PlanChunkAsync(edge, stop);
            else
                await SendChunkAsync(edge);
        }
    }

    private async Task PlanChunkAsync(EdgeReach edge, CancellationToken stop)
    {
        _appends.Add(Fold.Fence(edge), null);
        await _appends.FinishAsync();
        var end = (await _services.Log.OffsetsAsync(Fold.Dataset.Topic, stop))[Fold.Partition].End;
        lock (Fold.Gate)
            Fold.PlanChunk(edge, end);
        await StoreAsync();
    }

    private async Task SendChunkAsync(EdgeReach edge)
    {
        await FinishCheckpointAsync();
        if (HasUnstored)
            await StoreAsync();
        _appends.Add(await Fold.BackfillAsync(edge, _services.Store), null);
        await _appends.KeepAsync();
        _backfills.End();
    }

    /// <summary>Folds a batch; where a chunk comes within it, what is before the chunk, then the chunk, then the rest.</summary>
    private async Task FoldAroundChunkAsync(RecordBatch batch, CancellationToken stop)
    {
        if (Fold.Chunking is { } edge && edge.ChunkAt < batch.NextOffset)
        {
            await FoldAsync(batch.Before(edge.ChunkAt));
            await KeepChunkAsync(stop);
            batch = batch.From(edge.ChunkAt);
        }

        await FoldAsync(batch);
        await KeepChunkAsync(stop);
    }

    private async Task FoldAsync(RecordBatch batch)
    {
        using var span = StreamsTraces.Process(_services.Topology.Application, _services.Log.MessagingSystem, Fold, batch);
        var begin = _services.Time.GetTimestamp();
        try
        {
            await FoldAsync(batch, span);
            _meter.Processed(_services.Time.GetElapsedTime(begin), null);
        }
        catch (Exception error)
        {
            span.Failed(error);
            _meter.Processed(_services.Time.GetElapsedTime(begin), error);
            throw;
        }
    }

    private async Task FoldAsync(RecordBatch batch, Activity? span)
    {
        _meter.Taken(batch);
        var begin = _services.Time.GetTimestamp();
        var output = await Fold.FoldAsync(batch, _services.Store, _events.Publish, CancellationToken.None);
        _meter.Folded(batch, output, _services.Time.GetElapsedTime(begin));
        LogMisplaced();
        if (output.StoppedAt is { } offset)
            throw new BadRecordException(offset, output.DeadLetters[^1]);
        _appends.Add(output, span);
        await _appends.KeepAsync();
        _events.Advanced.Pulse();
    }

    /// <summary>Makes everything that is folded durable: one record at a time is known to be good, or to be the one that fails.</summary>
    private async Task StoreAsync()
    {
        await FinishCheckpointAsync();
        await _appends.FinishAsync();
        _checkpoints.Begin();
        await FinishCheckpointAsync();
    }

    private async ValueTask KeepCheckpointsAsync()
    {
        if (await _checkpoints.KeepAsync())
            _events.Settled(this);
    }

    private async ValueTask FinishCheckpointAsync()
    {
        if (await _checkpoints.FinishAsync())
            _events.Settled(this);
    }

    private void LogMisplaced()
    {
        if (_hasLoggedMisplaced || Fold.MisplacedRecords == 0)
            return;
        _hasLoggedMisplaced = true;
        var dataset = Fold.Dataset;
        LogMisplaced(
            _services.Logger, dataset.Topic, Fold.Partition, Fold.MisplacedRecords, Fold.FirstMisplaced, dataset.Partitioner, dataset.Name);
    }

    private static ConfiguredTaskAwaitable Ended(Task task) =>
        task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "Topic '{Topic}' partition {Partition} has {Records} records so far whose key belongs to "
            + "another partition by {Partitioner}, the first at offset {Offset}. They are folded and read where they lie. Declare how the "
            + "producers of the topic partition it, by PartitionedBy(…) of entity '{Entity}'.")]
    private static partial void LogMisplaced(
        ILogger logger, string topic, int partition, long records, long offset, KeyPartitioner partitioner, string entity);
}
