namespace ActorStreams.Log;

/// <summary>
/// Some records of one partition, in order. An empty batch reports only that no record lies before <see cref="NextOffset"/> (offsets have
/// gaps where transactions or compaction left them).
/// </summary>
public sealed class RecordBatch
{
    /// <summary>The partition the records were read from.</summary>
    public required TopicPartition Partition { get; init; }

    /// <summary>The records, by growing offset.</summary>
    public required IReadOnlyList<ChangeRecord> Records { get; init; }

    /// <summary>The next offset to read: every record before it is in this batch or was in an earlier one.</summary>
    public required long NextOffset { get; init; }

    /// <summary>
    /// The end of the partition as known when the batch was read: the offset that the next append will get, or one below it.
    /// </summary>
    public required long EndOffset { get; init; }

    /// <summary>
    /// Which log <see cref="NextOffset"/> was reached in; null for a batch that no log gave. All records of a batch are of one epoch.
    /// </summary>
    public LogIdentity? Log { get; init; }
}
