using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;
using Tag = System.Collections.Generic.KeyValuePair<string, object?>;

namespace ActorStreams.Partitions.Telemetry;

/// <summary>
/// What one partition measures. The loop of the partition writes it, and metrics read it. It stays when the partition moves to another
/// silo: its gauges are then 0, since OpenTelemetry would keep exporting the last value of a series that is no longer reported.
/// </summary>
internal sealed class PartitionMeter
{
    private const long Unknown = -1;

    private readonly StreamsMetrics _metrics;
    private readonly DatasetTags _tags;
    private readonly Tag[] _consumed;
    private readonly TimeProvider _time;
    private long _oldest = Unknown;
    private long _unstoredBytes;
    private long _writingBytes;
    private long _unstoredChanges;
    private long _writingChanges;
    private volatile bool _hasCaughtUp;

    internal PartitionMeter(StreamsMetrics metrics, Dataset dataset, int partition, TimeProvider time)
    {
        (_metrics, _tags, _time, Dataset, Partition) = (metrics, metrics.TagsOf(dataset), time, dataset, partition);
        var number = new Tag(TagNames.Partition, partition.ToString(CultureInfo.InvariantCulture));
        Tags = [_tags.Topic, number, .. _tags.Of];
        _consumed = [.. Tags, .. _tags.Consumer, new(TagNames.Operation, "poll")];
        metrics.Consumed.Add(0, _consumed);
    }

    internal Dataset Dataset { get; }

    internal int Partition { get; }

    internal Tag[] Tags { get; }

    /// <summary>Bytes of records that are taken from the log, and in no checkpoint yet.</summary>
    internal long InFlightBytes => Volatile.Read(ref _unstoredBytes) + Volatile.Read(ref _writingBytes);

    /// <summary>Whether there was nothing left to fold, once at least since the partition came to this silo.</summary>
    internal bool HasCaughtUp => _hasCaughtUp;

    /// <summary>The age of the oldest record that is not folded; where none has been seen yet, the time since there was none.</summary>
    /// <param name="waiting">Seconds since the partition had nothing left to fold; 0 when it has nothing.</param>
    internal double DelaySeconds(double waiting) =>
        waiting > 0 && Volatile.Read(ref _oldest) is > 0 and var oldest ? SecondsSince(oldest) : waiting;

    internal void Came() => _metrics.OwnerChanges.Add(1, _tags.OfTopic);

    internal void CaughtUp() => _hasCaughtUp = true;

    /// <summary>A session begins or has ended: what was in memory is no more.</summary>
    internal void Reset()
    {
        Volatile.Write(ref _unstoredBytes, 0);
        Volatile.Write(ref _writingBytes, 0);
        (_unstoredChanges, _writingChanges) = (0, 0);
    }

    /// <summary>The partition has left this silo.</summary>
    internal void Left()
    {
        Reset();
        _hasCaughtUp = false;
        Volatile.Write(ref _oldest, Unknown);
    }

    /// <summary>A batch has been taken from the log.</summary>
    internal void Taken(RecordBatch batch)
    {
        if (batch.Records.Count == 0)
            return;
        _metrics.Consumed.Add(batch.Records.Count, _consumed);
        var (oldest, bytes) = (long.MaxValue, 0L);
        for (var i = 0; i < batch.Records.Count; i++)
        {
            var record = batch.Records[i];
            bytes += record.Size;
            if (record.Timestamp > 0 && record.Timestamp < oldest)
                oldest = record.Timestamp;
        }

        Volatile.Write(ref _oldest, oldest == long.MaxValue ? Unknown : oldest);
        Volatile.Write(ref _unstoredBytes, _unstoredBytes + bytes);
    }

    /// <summary>The batch that was taken last is folded.</summary>
    internal void Folded(RecordBatch batch, FoldOutput output, TimeSpan duration)
    {
        _metrics.Fold.Record(duration.TotalSeconds, _tags.Of);
        if (output.Folded > 0)
            _metrics.Changes.Add(output.Folded, _tags.Applied);
        if (output.Repeats > 0)
            _metrics.Changes.Add(output.Repeats, _tags.Duplicate);
        _unstoredChanges += output.Folded;
        if (output.StoppedAt is not null)
            return; // the record stays where it is, and waits
        foreach (var letter in output.DeadLetters)
            Count(letter);
        if (batch.Records.Count > 0)
            Aged(batch);
    }

    /// <summary>The batch is folded and handed on, or failed.</summary>
    internal void Processed(TimeSpan duration, Exception? error)
    {
        Tag[] tags = error is null ? _tags.Processed : [.. _tags.Processed, new(TagNames.ErrorType, error.GetType().FullName)];
        _metrics.Processed.Record(duration.TotalSeconds, tags);
    }

    internal void CheckpointBegun()
    {
        Volatile.Write(ref _writingBytes, _unstoredBytes);
        Volatile.Write(ref _unstoredBytes, 0);
        (_writingChanges, _unstoredChanges) = (_unstoredChanges, 0);
    }

    internal void CheckpointStored()
    {
        Volatile.Write(ref _writingBytes, 0);
        _writingChanges = 0;
    }

    /// <summary>A checkpoint has been written; not, where another owner has moved it; null when that failed.</summary>
    internal void CheckpointEnded(TimeSpan duration, bool? written) => _metrics.Checkpoint.Record(duration.TotalSeconds, written switch
    {
        true => _tags.Written,
        false => _tags.Conflict,
        null => _tags.Failed,
    });

    /// <summary>Another owner has moved the checkpoint: what was folded since is thrown away.</summary>
    internal void OwnerLost()
    {
        _metrics.Conflicts.Add(1, _tags.Of);
        _metrics.Changes.Add(_unstoredChanges + _writingChanges, _tags.Stale);
    }

    internal void Restarted() => _metrics.Restarts.Add(1, _tags.Of);

    internal void Lost(long records) => _metrics.Changes.Add(records, _tags.Gap);

    /// <summary>Changes that were given to watchers, and watchers that could take no more.</summary>
    internal void Watched(int given, int dropped)
    {
        if (given > 0)
            _metrics.Deliveries.Add(given, _tags.Watched);
        if (dropped > 0)
            _metrics.Deliveries.Add(dropped, _tags.Unwatched);
    }

    /// <summary>Changes that were delivered again, to a watcher that resumed.</summary>
    internal void Rewatched(int given)
    {
        if (given > 0)
            _metrics.Deliveries.Add(given, _tags.Rewatched);
    }

    /// <summary>Frames for a view are durable; or not, and are made again.</summary>
    internal void Routed(Dataset view, int frames, bool durable) =>
        _metrics.Deliveries.Add(frames, durable ? _metrics.TagsOf(view).Routed : _metrics.TagsOf(view).Rerouted);

    private void Count(DeadLetter letter)
    {
        // A change that cannot be routed is the view's fault, and its position the root record's.
        var dataset = letter.Dataset == Dataset.Name ? Dataset : Dataset.Dependents.First(view => view.Name == letter.Dataset);
        _metrics.DeadLetters.Add(1, _metrics.TagsOf(dataset).OfFault(letter.Kind));
    }

    private void Aged(RecordBatch batch)
    {
        // While a gap is folded, the age of its records does not measure how long a change takes. consumer.delay reports that age.
        if (_oldest > 0 && _hasCaughtUp && Dataset.Kind == DatasetKind.Entity)
            _metrics.EndToEnd.Record(SecondsSince(_oldest), _tags.OfTopic);
        else if (_oldest > 0 && _hasCaughtUp)
            _metrics.Freshness.Record(SecondsSince(_oldest), _tags.Of);
        var atEnd = batch.NextOffset >= batch.EndOffset;
        _hasCaughtUp |= atEnd;
        Volatile.Write(ref _oldest, atEnd ? Unknown : batch.Records[^1].Timestamp);
    }

    private double SecondsSince(long timestamp) => Math.Max(0, _time.GetUtcNow().ToUnixTimeMilliseconds() - timestamp) / 1e3;
}
