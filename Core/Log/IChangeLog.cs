namespace ActorStreams.Log;

/// <summary>
/// A durable log of topics, partitions and records: the truth that everything else is folded from (semantics §2).
/// </summary>
/// <remarks>
/// Appends made one after the other to one partition keep their order, and none is skipped while a later one lands; exactness
/// leans on it (semantics §5). All members may be called by many threads at once.
/// </remarks>
public interface IChangeLog
{
    /// <summary>What the log is called in traces and metrics: OpenTelemetry's <c>messaging.system</c>.</summary>
    string MessagingSystem => "actorstreams";

    /// <summary>All topics, by name.</summary>
    ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default);

    /// <summary>What is known of a topic; null when there is no such topic.</summary>
    ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default);

    /// <summary>
    /// Creates a topic that is to be ours, which keeps all its records, or finds it as it is asked for. A topic of foreign
    /// producers is only described, never created again.
    /// </summary>
    /// <exception cref="TopicMismatchException">The topic exists with another number of partitions, or with settings under which
    /// records would be lost.</exception>
    ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default);

    /// <summary>
    /// Checks that a topic of foreign producers keeps its records as a fold needs them. What only limits rebuilds and history is
    /// logged as a warning.
    /// </summary>
    /// <exception cref="TopicMismatchException">Records that a rebuild needs are removed from the topic.</exception>
    ValueTask CheckSourceAsync(string topic, CancellationToken cancellationToken = default) => default;

    /// <summary>What a topic takes. It may change while the log is open, and is asked for again now and then.</summary>
    /// <exception cref="UnknownTopicException">There is no such topic.</exception>
    ValueTask<TopicLimits> LimitsAsync(string topic, CancellationToken cancellationToken = default) => new(TopicLimits.None);

    /// <summary>
    /// Deletes a topic with all its records; nothing happens when there is none. Only for topics that can be written again from
    /// others.
    /// </summary>
    ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default);

    /// <summary>Checks, without a change, that these topics may be deleted by this process, as far as the log says.</summary>
    /// <exception cref="TopicNotDeletableException">Some may not be; the message names them and the remedy.</exception>
    ValueTask CheckDeletableAsync(IReadOnlyList<string> topics, CancellationToken cancellationToken = default) => default;

    /// <summary>
    /// Reads a partition from an offset on, live: at the end it waits for more and never completes, until it is cancelled.
    /// Each batch keeps to the limits, but holds at least one record where there is one.
    /// </summary>
    /// <exception cref="UnknownTopicException">There is no such topic or partition.</exception>
    /// <exception cref="OffsetOutOfRangeException">The offset lies before the first one kept, or after the end.</exception>
    /// <exception cref="LogChangedException">
    /// The log is not the one that the offset was reached in, or changes while it is read. No record of the other log is returned.
    /// </exception>
    /// <param name="partition">The partition.</param>
    /// <param name="fromOffset">The first offset to read.</param>
    /// <param name="limits">How much one batch may hold.</param>
    /// <param name="reached">
    /// Which log the offset was reached in: that of the batch that ended there. Null for a reader that has no such batch, whose log is the
    /// present one.
    /// </param>
    /// <param name="cancellationToken">Ends the reader.</param>
    IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition, long fromOffset, ReadLimits limits, LogIdentity? reached = null,
        CancellationToken cancellationToken = default);

    /// <summary>Appends records and answers the position of each, in the same order, once all are durable.</summary>
    /// <remarks>
    /// Not a transaction: after a failure any number of the records of each partition, from the first on, may have been appended.
    /// When cancelled, the records may be appended all the same.
    /// </remarks>
    /// <exception cref="UnknownTopicException">There is no such topic, or a record names a partition it does not have.</exception>
    /// <exception cref="LogUnavailableException">The log cannot take the records now, and the caller may try again.</exception>
    ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default);

    /// <summary>
    /// How long after <see cref="AppendAsync"/> was called its records may still land at most, though the call has failed or its process is
    /// gone. Null where the log belongs to one process at a time: then nothing is under way once that process, or the call, has ended.
    /// </summary>
    TimeSpan? LongestAppend => null;

    /// <summary>
    /// Appends records that the engine itself writes: frames and dead letters. They share nothing with the appends of clients, so that no
    /// client's record can hold them up. Their timestamps are information alone, and are moved into what the topic takes.
    /// </summary>
    /// <inheritdoc cref="AppendAsync"/>
    ValueTask<IReadOnlyList<Position>> AppendOwnAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default) =>
        AppendAsync(topic, records, cancellationToken);

    /// <summary>For each partition of the topic, by number, the first offset kept and the end.</summary>
    /// <exception cref="UnknownTopicException">There is no such topic.</exception>
    ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default);

    /// <summary>
    /// The end of each partition, by number, with the records that readers are not given yet (<see cref="HeldAt"/>): whatever was durable
    /// before the call lies before it.
    /// </summary>
    /// <exception cref="UnknownTopicException">There is no such topic.</exception>
    async ValueTask<IReadOnlyList<long>> WrittenEndsAsync(string topic, CancellationToken cancellationToken = default) =>
        [.. (await OffsetsAsync(topic, cancellationToken).ConfigureAwait(false)).Select(range => range.End)];

    /// <summary>
    /// The end of a partition as this process knows it without asking anybody: for gauges. It may be a little behind; null when
    /// nothing is known.
    /// </summary>
    long? KnownEnd(TopicPartition partition);

    /// <summary>
    /// Where readers of a partition are held although it has later records, since those before are not decided yet (Kafka: the open
    /// transaction of another producer). Null when none are held, as far as this process knows.
    /// </summary>
    HeldPosition? HeldAt(TopicPartition partition) => null;

    /// <summary>
    /// Tells the log's own tools how far a reader has got with a partition, where it has such tools (Kafka: the offset committed for a
    /// consumer group). It is information only: it may be late, nothing is read from it, and a failure is ignored.
    /// </summary>
    void ReportProgress(string reader, TopicPartition partition, long nextOffset)
    {
    }

    /// <summary>
    /// The offset at which an instant cuts a partition: that of the first record with a later timestamp, so that all records
    /// before it are stamped at or before the instant; the end when there is none.
    /// </summary>
    /// <exception cref="UnknownTopicException">There is no such topic or partition.</exception>
    ValueTask<long> OffsetAtAsync(TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default);
}

/// <summary>The description of a topic.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="Partitions">How many partitions it has.</param>
/// <param name="Id">Its id, which no other topic has or had, in any log; null where the log gives topics none.</param>
public sealed record TopicDescription(string Topic, int Partitions, string? Id = null);

/// <summary>The offsets a partition holds: from <paramref name="Start"/> up to, and without, <paramref name="End"/>.</summary>
public readonly record struct OffsetRange(long Start, long End);

/// <summary>Where readers of a partition are held.</summary>
/// <param name="Offset">The first offset that is not decided yet.</param>
/// <param name="Since">When this process first found them held there.</param>
public readonly record struct HeldPosition(long Offset, DateTimeOffset Since);

/// <summary>How much one batch may hold.</summary>
/// <param name="MaxRecords">Records a batch, at least 1.</param>
/// <param name="MaxBytes">Bytes of keys, values and headers a batch; a single larger record still comes, alone.</param>
public readonly record struct ReadLimits(int MaxRecords, int MaxBytes)
{
    /// <summary>1,000 records or 1 MiB.</summary>
    public static ReadLimits Default { get; } = new(1_000, 1 << 20);

    /// <summary>Whether a batch that holds this much takes one more record of this size.</summary>
    internal bool Admit(int records, long bytes, int size) => records == 0 || (records < MaxRecords && bytes + size <= MaxBytes);
}
