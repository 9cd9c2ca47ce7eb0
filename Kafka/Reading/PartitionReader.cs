using System.Threading.Tasks.Sources;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;

namespace ActorStreams.Kafka.Reading;

/// <summary>
/// One reader of one partition: what waits for it, and where it is. All but <see cref="WaitAsync"/>'s own task is guarded by its
/// partition's gate.
/// </summary>
internal sealed class PartitionReader(TopicPartition partition, long fromOffset, LogIdentity? reached, ReadLimits limits, int maxBytes)
    : IValueTaskSource
{
    /// <summary>About what the objects around a record take in memory, so that small records are bounded too.</summary>
    private const int OverheadBytes = 150;

    private readonly Queue<Chunk> _chunks = [];
    private Chunk? _open;
    private ManualResetValueTaskSourceCore<bool> _wake = new() { RunContinuationsAsynchronously = true };
    private bool _isAsleep;
    private long _bytes;
    private Exception? _failure;
    private long _start;
    private bool _isUnchecked;

    /// <summary>The next offset to be added.</summary>
    public long Next { get; private set; } = fromOffset;

    /// <summary>Which log <see cref="Next"/> was reached in, as far as it is known.</summary>
    public LogIdentity Log { get; private set; } = reached ?? new(null);

    /// <summary>It goes on where something was read before.</summary>
    public bool IsContinued { get; private set; } = reached is not null;

    /// <summary>The log was found to be another one than it has read.</summary>
    public bool IsRefused => _failure is LogChangedException;

    /// <summary>
    /// The offset from which it has to be fed: that of the record before the next one, where that one has to be the one it was.
    /// </summary>
    public long From => _isUnchecked ? Next - 1 : Next;

    /// <summary>The feed that it is attached to; null while there is none.</summary>
    public Feed? Feed { get; set; }

    /// <summary>It waits for a consumer to become free for its partition.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Its buffer is full, and has not been drained to half since.</summary>
    public bool IsFull { get; private set; }

    /// <summary>How often in a row its feed was taken away before a record came.</summary>
    public int Setbacks { get; set; }

    /// <summary>It is about to be fed from the topic with this id, which keeps its records from this offset on.</summary>
    public void Bind(string? topicId, long start) =>
        (Log, _start) = (IsContinued && Log.Topic is not null ? Log : Log with { Topic = topicId }, start);

    /// <summary>What came to it may not be continued by what comes: the record before has to come once more.</summary>
    public void Doubt() => _isUnchecked = Log.Epoch >= 0 && Next > _start;

    /// <summary>Adds a record, or compares the one before with what it was.</summary>
    public void Add(in ChangeRecord record, int epoch)
    {
        if (_failure is not null || record.Offset < Next - 1 || IsOther(record.Offset, epoch) || record.Offset < Next)
            return;
        var size = record.Size;
        if (_open is null || (_open.Records.Count > 0 && epoch != Log.Epoch) || !limits.Admit(_open.Records.Count, _open.Bytes, size))
            _chunks.Enqueue(_open = new(_open?.Records.Count ?? 0));
        _open.Records.Add(record);
        _open.Bytes += size;
        _open.Log = Log = Log with { Epoch = epoch };
        Next = _open.NextOffset = record.Offset + 1;
        IsContinued = true;
        Setbacks = 0;
        _bytes += size + OverheadBytes;
        IsFull |= _bytes > maxBytes;
    }

    /// <summary>
    /// There is no record before this offset any more: missing offsets, which the next batch reports, empty if necessary.
    /// </summary>
    public void SkipTo(long offset)
    {
        if (_failure is not null || offset < Next || IsOther(offset, LogIdentity.NoEpoch) || offset == Next)
            return;
        if (_open is null)
            _chunks.Enqueue(_open = new(0));
        _open.Log = Log = Log.WithoutEpoch; // the record before the position is none that was read
        Next = _open.NextOffset = offset;
        IsContinued = true;
        Setbacks = 0;
    }

    /// <summary>
    /// Whether the record before the position is another one than it was, or is gone: then the reader ends. Records of one offset and epoch
    /// are one record, and so are all before them.
    /// </summary>
    private bool IsOther(long offset, int epoch)
    {
        if (!_isUnchecked)
            return false;
        _isUnchecked = false;
        if (offset == Next - 1 && epoch == Log.Epoch)
            return false;
        var found = offset == Next - 1 ? $"of epoch {epoch}" : $"the next one is at {offset}";
        Fail(LogChangedException.Diverged(partition, Next, Log.Epoch, found));
        return true;
    }

    /// <summary>Ends the reader once it has read what is here.</summary>
    public void Fail(Exception failure) => _failure ??= failure;

    /// <summary>The next batch; null when there is none yet.</summary>
    public RecordBatch? Take(long end)
    {
        if (!_chunks.TryDequeue(out var chunk))
            return _failure is null ? null : throw _failure;
        if (chunk == _open)
            _open = null;
        _bytes -= chunk.Bytes + ((long)OverheadBytes * chunk.Records.Count);
        IsFull &= _bytes > maxBytes / 2;
        return new()
        {
            Partition = partition,
            Records = chunk.Records,
            NextOffset = chunk.NextOffset,
            EndOffset = Math.Max(end, chunk.NextOffset),
            Log = chunk.Log,
        };
    }

    /// <summary>Waits until <see cref="Wake"/>. One wait at a time; the gate is held.</summary>
    public ValueTask WaitAsync()
    {
        if (_chunks.Count > 0 || _failure is not null)
            return default;
        _wake.Reset();
        _isAsleep = true;
        return new(this, _wake.Version);
    }

    public void Wake()
    {
        if (!_isAsleep)
            return;
        _isAsleep = false;
        _wake.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _wake.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wake.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wake.OnCompleted(continuation, state, token, flags);

    /// <summary>A batch that is being filled.</summary>
    /// <param name="capacity">As many records as the one before: where there is much to read, it has as many.</param>
    private sealed class Chunk(int capacity)
    {
        public List<ChangeRecord> Records { get; } = new(capacity);

        public long Bytes { get; set; }

        public long NextOffset { get; set; }

        public LogIdentity Log { get; set; }
    }
}
