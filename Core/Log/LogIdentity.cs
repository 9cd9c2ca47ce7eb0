namespace ActorStreams.Log;

/// <summary>
/// Which log a position was reached in (semantics §2). A topic that was deleted and made again has another id. A log that lost its last
/// records, and got others in their place, has the same id, but other epochs from there on.
/// </summary>
/// <param name="Topic">The topic's id as text; null where the log gives topics none.</param>
/// <param name="Epoch">
/// Who wrote the record before the position: in Kafka the epoch of the partition's leader, in the embedded log a number of each time that
/// its file was open. <see cref="NoEpoch"/> where there is no such record, or the log does not know.
/// </param>
public readonly record struct LogIdentity(string? Topic, int Epoch = LogIdentity.NoEpoch)
{
    /// <summary>No epoch is known.</summary>
    public const int NoEpoch = -1;

    /// <summary>The identity of a position whose record before it is not known.</summary>
    internal LogIdentity WithoutEpoch => new(Topic);

    /// <summary>Passes a topic that is the one of this identity, and that still has the records before a position.</summary>
    /// <exception cref="LogChangedException">It is another topic, or ends before the position.</exception>
    internal void Require(TopicPartition partition, long offset, string? id, long end)
    {
        RequireTopic(partition, offset, id);
        if (offset > end)
            throw LogChangedException.Shorter(partition, offset, end);
    }

    /// <summary>Passes a topic that is the one of this identity, as far as ids are known.</summary>
    /// <exception cref="LogChangedException">It is another topic.</exception>
    internal void RequireTopic(TopicPartition partition, long offset, string? id)
    {
        if (Topic is not null && id is not null && Topic != id)
            throw LogChangedException.Topic(partition, offset, Topic, id);
    }
}
