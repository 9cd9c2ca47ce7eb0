using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;

namespace ActorStreams.Kafka.Reading;

/// <summary>
/// One assignment of a partition to one consumer, from an offset on, and the readers it serves. A new assignment is a new feed, so
/// that nothing of an old one reaches its readers.
/// </summary>
internal sealed class Feed(ReadPartition partition, int slot, ConsumerLoop loop, string? topicId, long fromOffset)
{
    public ReadPartition Partition => partition;

    /// <summary>The number of its consumer: 0 is the tail's.</summary>
    public int Slot => slot;

    public ConsumerLoop Loop => loop;

    /// <summary>The id of the topic that its readers read; null where brokers give none.</summary>
    public string? TopicId => topicId;

    /// <summary>The consumer fetches the topic under that id; only its thread reads it.</summary>
    public bool IsOfTopic { get; set; }

    /// <summary>
    /// The next offset that will be handed out; only its consumer's thread moves it. Guarded by the partition's gate, as all that
    /// follows.
    /// </summary>
    public long Position { get; set; } = fromOffset;

    /// <summary>The position at which the client last reported the end of what is readable; -1 before.</summary>
    public long EndedAt { get; set; } = -1;

    public List<PartitionReader> Readers { get; } = [];

    public bool IsPaused { get; set; }

    public bool IsClosed { get; set; }

    /// <summary>It has records whose readers have not been woken; only its consumer's thread reads it.</summary>
    public bool IsDirty { get; set; }
}
