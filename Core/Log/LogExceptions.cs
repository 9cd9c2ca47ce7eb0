namespace ActorStreams.Log;

/// <summary>A topic or partition that the log does not have. Create it, or correct the name.</summary>
public sealed class UnknownTopicException(string message) : Exception(message)
{
    /// <summary>The error for a topic that does not exist.</summary>
    public static UnknownTopicException Topic(string topic) => new($"There is no topic '{topic}'. Create it, or correct the name.");

    /// <summary>The error for a partition that the topic does not have.</summary>
    public static UnknownTopicException Partition(TopicPartition partition, int partitions) =>
        new($"Topic '{partition.Topic}' has {partitions} partitions, numbered from 0: there is no partition {partition.Partition}.");
}

/// <summary>
/// A topic that exists with another number of partitions than requested, or with settings under which records would be lost.
/// </summary>
public sealed class TopicMismatchException(string message) : Exception(message)
{
    /// <summary>The error for another number of partitions.</summary>
    public TopicMismatchException(string topic, int existing, int wanted)
        : this($"Topic '{topic}' has {existing} partitions, but {wanted} are asked for: keys would change partition and lose their order. "
            + $"Ask for {existing}, or copy the records to a new topic.")
    {
    }
}

/// <summary>Topics that were to be deleted and may not be: nothing was changed. Allow it, or delete them by other means.</summary>
public sealed class TopicNotDeletableException(string message) : Exception(message);

/// <summary>An offset that a partition does not hold: retention removed it, or the log is not the one it was read from.</summary>
public sealed class OffsetOutOfRangeException(TopicPartition partition, long offset, OffsetRange range) : Exception(
    $"{partition} holds offsets {range.Start} to {range.End} (the end), but was to be read from {offset}. "
    + (offset < range.Start
        ? $"The records {offset} to {range.Start - 1} are no longer kept."
        : $"This is another log than the one the position came from, or it lost records. {LogChangedException.Remedy}"))
{
    /// <summary>The partition.</summary>
    public TopicPartition Partition { get; } = partition;

    /// <summary>The offset asked for.</summary>
    public long Offset { get; } = offset;

    /// <summary>The offsets there are.</summary>
    public OffsetRange Range { get; } = range;

    /// <summary>The log ends before the offset: it is no offset of this log.</summary>
    public bool IsAfterEnd => Offset > Range.End;
}

/// <summary>
/// The log is not the one in which a position was reached: the topic was deleted and made again, or lost records and got others in their
/// place. What was folded up to the position cannot be continued. Bring the log back, or fold it again from its beginning.
/// </summary>
public sealed class LogChangedException : Exception
{
    internal const string Remedy =
        "Bring back the log that was, or rebuild what was folded from it (actorstreams rebuild, or start once with --rebuild).";

    private LogChangedException(TopicPartition partition, long offset, string difference)
        : base($"{partition} was read up to offset {offset}, and {difference}. Nothing was read from it. {Remedy}") =>
        (Partition, Offset) = (partition, offset);

    /// <summary>The partition.</summary>
    public TopicPartition Partition { get; }

    /// <summary>The position up to which the log before was read.</summary>
    public long Offset { get; }

    /// <summary>The error for a topic that has another id.</summary>
    public static LogChangedException Topic(TopicPartition partition, long offset, string? before, string? now) => new(
        partition, offset,
        $"the topic had the id {before} then, but has {now} now: it was deleted and made again, or this is another installation's log");

    /// <summary>The error for a log that ends before the position.</summary>
    public static LogChangedException Shorter(TopicPartition partition, long offset, long end) => new(
        partition, offset, $"ends at {end} now: the records {end} to {offset - 1} were lost (an unclean election, or an older backup)");

    /// <summary>The error for a log whose record before the position is another one.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="offset">The position.</param>
    /// <param name="epoch">The epoch in which the position was reached.</param>
    /// <param name="detail">What the log says now.</param>
    public static LogChangedException Diverged(TopicPartition partition, long offset, int epoch, string detail) => new(
        partition, offset,
        $"the record before it was written in epoch {epoch}, but is another one now ({detail}): records were lost (an unclean election, or "
        + "an older backup), and others were written in their place");
}

/// <summary>The log cannot do this now (disk full, locked, out of reach). Nothing is lost; try again.</summary>
public sealed class LogUnavailableException(string message, Exception? innerException = null) : Exception(message, innerException);
