using System.Runtime.InteropServices;
using System.Text;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;
using Confluent.Kafka;
using TopicPartition = Confluent.Kafka.TopicPartition;

namespace ActorStreams.Kafka.Appending;

/// <summary>
/// One call of append: its records, how many are handed to the producer and how many are durable, and its caller, who waits for all.
/// </summary>
internal sealed class AppendWork(string topic, IReadOnlyList<NewRecord> records, long startedAt, CancellationToken cancellationToken)
{
    private readonly TaskCompletionSource<IReadOnlyList<Position>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Position[]? _positions = new Position[records.Count];
    private IReadOnlyList<NewRecord>? _records = records;
    private int _left = records.Count;

    public string Topic => topic;

    public IReadOnlyList<NewRecord>? Records => _records;

    /// <summary>When it came, or when its turn came where it had to wait.</summary>
    public long StartedAt { get; set; } = startedAt;

    /// <summary>The records that the producer has taken, from the first on.</summary>
    public int Produced { get; private set; }

    public bool IsDone => _done.Task.IsCompleted;

    /// <summary>The caller has gone before anything was sent, so that nothing need be.</summary>
    public bool IsGivenUp => Produced == 0 && cancellationToken.IsCancellationRequested;

    public Task<IReadOnlyList<Position>> Task => cancellationToken.CanBeCanceled ? _done.Task.WaitAsync(cancellationToken) : _done.Task;

    /// <summary>Hands the next record to a producer, which copies it.</summary>
    /// <exception cref="KafkaException">The producer does not take it.</exception>
    public void ProduceNext(ProducerLife life)
    {
        var (index, record) = (Produced, _records![Produced]);
        var message = new Message<byte[], byte[]>
        {
            Key = Bytes(record.Key)!,
            Value = Bytes(record.Value)!,
            Timestamp = new(record.Timestamp, TimestampType.CreateTime),
        };
        if (record.Headers.Count > 0)
        {
            message.Headers = [];
            foreach (var header in record.Headers)
                message.Headers.Add(header.Name, Bytes(header.Value));
        }

        life.Producer.Produce(new TopicPartition(topic, record.Partition), message, report => life.Delivered(this, index, report));
        Produced = index + 1;
    }

    /// <summary>One of the records is durable. True when it was the last.</summary>
    public bool Delivered(int index, int partition, long offset)
    {
        if (_positions is not { } positions)
            return false; // failed meanwhile
        positions[index] = new(topic, partition, offset);
        if (Interlocked.Decrement(ref _left) > 0)
            return false;
        _done.TrySetResult(positions);
        Forget();
        return true;
    }

    public void Fail(Exception error)
    {
        _done.TrySetException(error);
        Forget();
    }

    /// <summary>Nothing had to be sent: there are no records, or the caller has gone.</summary>
    public void Finish()
    {
        if (cancellationToken.IsCancellationRequested)
            _done.TrySetCanceled(cancellationToken);
        else
            _done.TrySetResult([]);
        Forget();
    }

    /// <summary>The bytes of a record in a batch, at most.</summary>
    public static int WireBytes(in NewRecord record)
    {
        const int perRecord = 64;
        const int perHeader = 10;
        var bytes = record.Size + perRecord;
        for (var i = 0; i < record.Headers.Count; i++)
            bytes += perHeader + Encoding.UTF8.GetByteCount(record.Headers[i].Name) - record.Headers[i].Name.Length;
        return bytes;
    }

    // Reports of a producer that was given up never come, and the client keeps what would have been told for ever: let that be little.
    private void Forget() => (_positions, _records) = (null, null);

    private static byte[]? Bytes(ReadOnlyMemory<byte>? memory) => memory is { } bytes
        ? MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
        ? segment.Array
        : bytes.ToArray()
        : null;
}
