using System.Diagnostics;
using ActorStreams.Definitions;
using ActorStreams.DeadLetters;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;

namespace ActorStreams.Partitions.Running;

/// <summary>
/// The appends of one session: frames for the views' input logs, and dead letters.
/// </summary>
/// <remarks>
/// At most one append is under way, beside the folding of the next batches. If it fails, nothing later has been sent, so every view
/// partition has received a prefix of the changes (semantics §5). What is folded meanwhile waits, up to a bound, and goes with the next
/// append: the slower the log, the more batches share one flush.
/// </remarks>
internal sealed class FrameAppends
{
    private readonly PartitionServices _services;
    private readonly PartitionFold _fold;
    private readonly PartitionMeter _meter;
    private readonly Signal _advanced;
    private readonly List<FoldOutput> _waiting = [];

    /// <summary>The traces of the outputs in <see cref="_waiting"/>; empty if nothing is traced.</summary>
    private readonly List<ActivityContext> _waitingTraces = [];
    private long _waitingBytes;
    private volatile Task _append = Task.CompletedTask;
    private long _routedBefore;
    private long _routedAfter;

    internal FrameAppends(PartitionServices services, PartitionFold fold, PartitionMeter meter, Signal advanced)
    {
        (_services, _fold, _meter, _advanced) = (services, fold, meter, advanced);
        (_routedBefore, _routedAfter) = (fold.NextOffset, fold.NextOffset);
    }

    /// <summary>Up to this offset every record is folded, and its changes are durable in the views' input logs.</summary>
    internal long Routed
    {
        get
        {
            // The order matters: an append begins before it counts.
            var after = Volatile.Read(ref _routedAfter);
            return _append.IsCompletedSuccessfully ? after : Volatile.Read(ref _routedBefore);
        }
    }

    /// <summary>True while an output waits for the append under way.</summary>
    internal bool HasWaiting => _waiting.Count > 0;

    /// <summary>True when everything that was added is durable.</summary>
    internal bool AreDurable => _waiting.Count == 0 && _append.IsCompletedSuccessfully;

    /// <summary>The append under way; completed when there is none.</summary>
    internal Task UnderWay => _append;

    /// <summary>Adds the output of one batch. It is sent by <see cref="KeepAsync"/> or <see cref="FinishAsync"/>.</summary>
    internal void Add(FoldOutput output, Activity? span)
    {
        if (output.Frames.Count > 0 || output.DeadLetters.Count > 0)
        {
            _waiting.Add(output);
            _waitingBytes += output.Bytes;
            if (span is { Recorded: true } && _waitingTraces.Count < StreamsTraces.MaxLinks)
                _waitingTraces.Add(span.Context);
        }

        if (_waiting.Count == 0)
            Volatile.Write(ref _routedAfter, _fold.NextOffset);
    }

    /// <summary>Sends what waits as soon as the append before has ended. Waits for that one only when too much waits already.</summary>
    internal async ValueTask KeepAsync()
    {
        if (_append.IsCompleted || _waitingBytes >= _services.Options.MaxWaitingBytes)
            await _append;
        if (_waiting.Count > 0 && _append.IsCompleted)
            Begin();
    }

    /// <summary>Waits until everything that was added is durable.</summary>
    internal async ValueTask FinishAsync()
    {
        await _append;
        if (_waiting.Count > 0)
            Begin();
        await _append;
        if (!AreDurable)
            throw new InvalidOperationException($"{_fold.Id} has appends under way after all were awaited.");
    }

    private void Begin()
    {
        if (!_append.IsCompletedSuccessfully)
            throw new InvalidOperationException($"{_fold.Id} would begin an append while another is under way, or after one has failed.");
        Volatile.Write(ref _routedBefore, _routedAfter);
        _append = AppendAsync([.. _waiting], _waitingTraces.Count == 0 ? [] : [.. _waitingTraces], _fold.NextOffset);
        Volatile.Write(ref _routedAfter, _fold.NextOffset);
        _waiting.Clear();
        _waitingTraces.Clear();
        _waitingBytes = 0;
    }

    /// <summary>Appends the frames of one or more batches, those of each view in the order in which they were made.</summary>
    private async Task AppendAsync(IReadOnlyList<FoldOutput> outputs, IReadOnlyList<ActivityContext> traces, long upTo)
    {
        var appends = outputs.SelectMany(output => output.Frames).GroupBy(frame => frame.View)
            .Select(view => AppendFramesAsync(view.Key, [.. view.Select(NewRecordOf)], traces)).ToList();
        var letters = outputs.SelectMany(output => output.DeadLetters).Select(DeadLetterFormat.ToRecord).ToList();
        if (letters.Count > 0)
            appends.Add(_services.Log.AppendTracedAsync(_services.Topology.DeadLetterTopic, letters, traces));
        await Task.WhenAll(appends);

        // This is written before the pulse: a waiter that the pulse wakes may read it before this task has ended, and gets no second
        // pulse.
        Volatile.Write(ref _routedBefore, upTo);
        _advanced.Pulse();
    }

    private async Task AppendFramesAsync(Dataset view, List<NewRecord> frames, IReadOnlyList<ActivityContext> traces)
    {
        var durable = false;
        try
        {
            await _services.Log.AppendTracedAsync(view.Topic, frames, traces);
            durable = true;
        }
        finally
        {
            _meter.Routed(view, frames.Count, durable);
        }
    }

    /// <summary>
    /// The changes in a frame have their own times. The record's time is for people and tools, and a log may know none before 1970 (Kafka).
    /// </summary>
    private static NewRecord NewRecordOf(Frame frame) =>
        new() { Partition = frame.Partition, Timestamp = Math.Max(1, frame.Timestamp), Value = frame.Bytes };
}
