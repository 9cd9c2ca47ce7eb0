using System.Runtime.CompilerServices;

namespace ActorStreams.Log;

/// <summary>
/// A change log in memory, for tests and laptops: it is gone with its process. Otherwise it behaves as the durable ones do.
/// </summary>
public sealed class InMemoryChangeLog : IChangeLog
{
    // One lock for all: appends of one call to several partitions land together, and simplicity is the point of this log.
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Topic> _topics = [];

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new([.. _topics.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => t.Value.Describe(t.Key))]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new(_topics.TryGetValue(topic, out var found) ? found.Describe(topic) : null);
        }
    }

    /// <inheritdoc/>
    public ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default)
    {
        TopicName.Check(topic);
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        lock (_gate)
        {
            if (!_topics.TryGetValue(topic, out var existing))
                _topics.Add(topic, new(partitions));
            else if (existing.Partitions.Length != partitions)
                throw new TopicMismatchException(topic, existing.Partitions.Length, partitions);
            return default;
        }
    }

    /// <inheritdoc/>
    public ValueTask<TopicLimits> LimitsAsync(string topic, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            FindTopic(topic);
            return new(TopicLimits.None);
        }
    }

    /// <inheritdoc/>
    public ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (!_topics.Remove(topic, out var deleted))
                return default;
            foreach (var partition in deleted.Partitions)
                partition.Signal.Close(UnknownTopicException.Topic(topic));
            return default;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition, long fromOffset, ReadLimits limits, LogIdentity? reached = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Partition source;
        string id;
        lock (_gate)
        {
            (source, id) = (Find(partition), FindTopic(partition.Topic).Id);
            reached?.Require(partition, fromOffset, id, source.Records.Count);
            if (fromOffset < 0 || fromOffset > source.Records.Count)
                throw new OffsetOutOfRangeException(partition, fromOffset, new(0, source.Records.Count));
        }

        for (var offset = fromOffset; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await source.Signal.WaitBeyondAsync(offset, cancellationToken).ConfigureAwait(false);
            var batch = Slice(partition, source, id, offset, limits);
            offset = batch.NextOffset;
            yield return batch;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            foreach (var record in records)
                Find(new(topic, record.Partition));
            var positions = new Position[records.Count];
            for (var i = 0; i < positions.Length; i++)
                positions[i] = new(topic, records[i].Partition, Add(Find(new(topic, records[i].Partition)), records[i]));
            foreach (var partition in positions.Select(p => p.Partition).Distinct())
                _topics[topic].Partitions[partition].Publish();
            return new(positions);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new([.. FindTopic(topic).Partitions.Select(p => new OffsetRange(0, p.Records.Count))]);
        }
    }

    /// <inheritdoc/>
    public long? KnownEnd(TopicPartition partition)
    {
        lock (_gate)
        {
            return _topics.TryGetValue(partition.Topic, out var topic) && (uint)partition.Partition < (uint)topic.Partitions.Length
                ? topic.Partitions[partition.Partition].Records.Count
                : null;
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> OffsetAtAsync(TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default)
    {
        var milliseconds = instant.ToUnixTimeMilliseconds();
        lock (_gate)
        {
            var records = Find(partition).Records;
            var first = records.FindIndex(record => record.Timestamp > milliseconds);
            return new(first < 0 ? records.Count : first);
        }
    }

    private Topic FindTopic(string topic) => _topics.GetValueOrDefault(topic) ?? throw UnknownTopicException.Topic(topic);

    private Partition Find(TopicPartition partition)
    {
        var partitions = FindTopic(partition.Topic).Partitions;
        return (uint)partition.Partition < (uint)partitions.Length
            ? partitions[partition.Partition]
            : throw UnknownTopicException.Partition(partition, partitions.Length);
    }

    private RecordBatch Slice(TopicPartition partition, Partition source, string id, long offset, ReadLimits limits)
    {
        lock (_gate)
        {
            var (taken, bytes) = (0, 0L);
            for (var i = (int)offset; i < source.Records.Count && limits.Admit(taken, bytes, source.Records[i].Size); i++, taken++)
                bytes += source.Records[i].Size;
            return new()
            {
                Partition = partition,
                Records = source.Records[(int)offset..((int)offset + taken)],
                NextOffset = offset + taken,
                EndOffset = source.Records.Count,
                Log = new(id),
            };
        }
    }

    /// <summary>Keeps a copy of the bytes, as a durable log does: the caller may use its buffers again.</summary>
    private static long Add(Partition partition, NewRecord record)
    {
        var offset = partition.Records.Count;
        partition.Records.Add(new()
        {
            Offset = offset,
            Timestamp = record.Timestamp,
            Key = Copy(record.Key),
            Value = Copy(record.Value),
            Headers = record.Headers.Count == 0 ? [] : [.. record.Headers.Select(h => new RecordHeader(h.Name, h.Value.ToArray()))],
        });
        return offset;
    }

    // Not "bytes?.ToArray()": a null array converts to memory that is empty, not absent, and a tombstone would become a value.
    private static ReadOnlyMemory<byte>? Copy(ReadOnlyMemory<byte>? bytes) =>
        bytes is { } present ? present.ToArray() : (ReadOnlyMemory<byte>?)null;

    private sealed class Topic(int partitions)
    {
        public string Id { get; } = Guid.NewGuid().ToString("N");

        public Partition[] Partitions { get; } = [.. Enumerable.Range(0, partitions).Select(_ => new Partition())];

        public TopicDescription Describe(string name) => new(name, Partitions.Length, Id);
    }

    private sealed class Partition
    {
        public List<ChangeRecord> Records { get; } = [];

        public EndSignal Signal { get; } = new(0);

        public void Publish() => Signal.MoveTo(Records.Count);
    }
}
