using System.Runtime.InteropServices;
using System.Text;
using ActorStreams.Log;
using Confluent.Kafka;
using TopicPartition = Confluent.Kafka.TopicPartition;

namespace ActorStreams.Kafka.Appending;

/// <summary>
/// One append: its records, how many are handed to the producer and how many are durable, and its caller, who waits for all.
/// </summary>
internal sealed class AppendWork(string topic, IReadOnlyList<NewRecord> records, long startedAt, CancellationToken cancellationToken)
{
    private const int PerRecordBytes = 64;
    private const int PerHeaderBytes = 10;

    private readonly TaskCompletionSource<IReadOnlyList<Position>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _count = records.Count;
    private Position[]? _positions = new Position[records.Count];
    private IReadOnlyList<NewRecord>? _records = records;
    private int _left = records.Count;

    public string Topic => topic;

    public IReadOnlyList<NewRecord>? Records => _records;

    /// <summary>When it came.</summary>
    public long ArrivedAt { get; } = startedAt;

    /// <summary>When it came, or when its turn came where it had to wait.</summary>
    public long StartedAt { get; set; } = startedAt;

    /// <summary>The timestamps of its records are moved into this range.</summary>
    public (long Earliest, long Latest) Timestamps { get; set; } = (long.MinValue, long.MaxValue);

    /// <summary>Called once, when the append has succeeded or failed.</summary>
    public Action? Ended { private get; set; }

    /// <summary>The producer that has taken the first record, and so takes all; null before.</summary>
    public ProducerLife? Life { get; private set; }

    /// <summary>The records that the producer has taken, from the first on.</summary>
    public int Produced { get; private set; }

    public bool IsDone => _done.Task.IsCompleted;

    /// <summary>The caller has gone before anything was sent, so that nothing need be.</summary>
    public bool IsGivenUp => Produced == 0 && cancellationToken.IsCancellationRequested;

    public Task<IReadOnlyList<Position>> Task => cancellationToken.CanBeCanceled ? _done.Task.WaitAsync(cancellationToken) : _done.Task;

    /// <summary>Hands the next record to a producer, which copies it.</summary>
    /// <exception cref="KafkaException">The producer does not take it.</exception>
    public void ProduceNext(IProducer<byte[], byte[]> producer, ProducerLife life)
    {
        var (index, record) = (Produced, _records![Produced]);
        var message = new Message<byte[], byte[]>
        {
            Key = Bytes(record.Key)!,
            Value = Bytes(record.Value)!,
            Timestamp = new(Math.Clamp(record.Timestamp, Timestamps.Earliest, Timestamps.Latest), TimestampType.CreateTime),
        };
        if (record.Headers.Count > 0)
        {
            message.Headers = [];
            foreach (var header in record.Headers)
                message.Headers.Add(header.Name, Bytes(header.Value));
        }

        producer.Produce(new TopicPartition(topic, record.Partition), message, report => life.Delivered(this, index, report));
        (Life, Produced) = (life, index + 1);
    }

    /// <summary>One of the records is durable. True when it was the last.</summary>
    public bool Delivered(int index, int partition, long offset)
    {
        if (_positions is not { } positions)
            return false; // failed meanwhile
        positions[index] = new(topic, partition, offset);
        if (Interlocked.Decrement(ref _left) > 0)
            return false;
        if (_done.TrySetResult(positions))
            End();
        return true;
    }

    /// <summary>Fails the append, saying what is known of its records: brokers may have taken what they did not acknowledge.</summary>
    public void Fail(Exception error)
    {
        if (
            _done.TrySetException(
                error is LogUnavailableException ? new LogUnavailableException($"{error.Message} {Known()}", error) : error))
            End();
    }

    /// <summary>Nothing had to be sent: there are no records, or the caller has gone.</summary>
    public void Finish()
    {
        if (cancellationToken.IsCancellationRequested ? _done.TrySetCanceled(cancellationToken) : _done.TrySetResult([]))
            End();
    }

    /// <summary>The bytes of a record in a batch, at most.</summary>
    public static int WireBytes(in NewRecord record)
    {
        var bytes = record.Size + PerRecordBytes;
        for (var i = 0; i < record.Headers.Count; i++)
            bytes += PerHeaderBytes + Encoding.UTF8.GetByteCount(record.Headers[i].Name) - record.Headers[i].Name.Length;
        return bytes;
    }

    private string Known()
    {
        var (appended, unsent) = (_count - Volatile.Read(ref _left), _count - Produced);
        var known = (Produced, appended) switch
        {
            (0, _) => "None of the append's records was sent.",
            (_, 0) when _count == 1 => "The append's record may be in the log.",
            (_, 0) => $"Any of the append's {_count} records may be in the log.",
            _ => $"Of the append's {_count} records {appended} were acknowledged, and any of the others may be in the log.",
        };
        return Produced > 0 && unsent > 0 ? $"{known} The last {unsent} were not sent." : known;
    }

    private void End()
    {
        // A producer that was given up never reports its deliveries, and the client keeps their handlers for ever: drop what they hold,
        // so that little is kept.
        (_positions, _records) = (null, null);
        Ended?.Invoke();
    }

    private static byte[]? Bytes(ReadOnlyMemory<byte>? memory) => memory is { } bytes
        ? MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : bytes.ToArray()
        : null;
}
