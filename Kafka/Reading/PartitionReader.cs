using System.Threading.Tasks.Sources;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;

namespace ActorStreams.Kafka.Reading;

/// <summary>
/// One reader of one partition: what waits for it, and where it is. All but <see cref="WaitAsync"/>'s own task is guarded by its
/// partition's gate.
/// </summary>
internal sealed class PartitionReader(long fromOffset, ReadLimits limits, int maxBytes) : IValueTaskSource
{
    /// <summary>About what the objects around a record take in memory, so that small records are bounded too.</summary>
    private const int OverheadBytes = 150;

    private readonly Queue<Chunk> _chunks = [];
    private Chunk? _open;
    private ManualResetValueTaskSourceCore<bool> _wake = new() { RunContinuationsAsynchronously = true };
    private bool _isAsleep;
    private long _bytes;
    private Exception? _failure;

    /// <summary>The next offset to be added.</summary>
    public long Next { get; private set; } = fromOffset;

    /// <summary>The feed that it is attached to; null while there is none.</summary>
    public Feed? Feed { get; set; }

    /// <summary>It waits for a consumer to become free for its partition.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Its buffer is full, and has not been drained to half since.</summary>
    public bool IsFull { get; private set; }

    /// <summary>How often in a row its feed was taken away before a record came.</summary>
    public int Setbacks { get; set; }

    public void Add(in ChangeRecord record)
    {
        var size = record.Size;
        if (_open is null || !limits.Admit(_open.Records.Count, _open.Bytes, size))
            _chunks.Enqueue(_open = new(_open?.Records.Count ?? 0));
        _open.Records.Add(record);
        _open.Bytes += size;
        Next = _open.NextOffset = record.Offset + 1;
        Setbacks = 0;
        _bytes += size + OverheadBytes;
        IsFull |= _bytes > maxBytes;
    }

    /// <summary>
    /// There is no record before this offset any more: missing offsets, which the next batch reports, empty if necessary.
    /// </summary>
    public void SkipTo(long offset)
    {
        if (offset <= Next)
            return;
        if (_open is null)
            _chunks.Enqueue(_open = new(0));
        Next = _open.NextOffset = offset;
        Setbacks = 0;
    }

    /// <summary>Ends the reader once it has read what is here.</summary>
    public void Fail(Exception failure) => _failure ??= failure;

    /// <summary>The next batch; null when there is none yet.</summary>
    public RecordBatch? Take(TopicPartition partition, long end)
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
    }
}
