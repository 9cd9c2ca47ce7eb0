namespace ActorStreams.Kafka.Clients;

/// <summary>How the change log reaches Kafka, and how much it holds and waits.</summary>
public sealed class KafkaOptions
{
    /// <summary>The section of the configuration that these are bound from.</summary>
    public const string Section = "Kafka";

    /// <summary>The brokers to begin with, <c>host:port</c> and comma separated. Required.</summary>
    public string BootstrapServers { get; init; } = "";

    /// <summary>
    /// The replication factor of topics created here; -1 is 3, or the number of brokers where there are fewer. -1, or 1 to 100.
    /// </summary>
    public short ReplicationFactor { get; init; } = -1;

    /// <summary>
    /// The <c>min.insync.replicas</c> of topics created here; 0 is 2 with three replicas or more, and else the brokers' own. 0 to
    /// 100.
    /// </summary>
    public int MinInSyncReplicas { get; init; }

    /// <summary>
    /// The largest record that is taken: key, value and headers, in bytes. 1 to 256 MiB; topics that others made must allow it.
    /// </summary>
    public int MaxRecordBytes { get; init; } = 1_000_000;

    /// <summary>
    /// Bytes that wait for one reader of one partition; beyond, its partition is paused until half is read. 1 KiB to 1 GiB.
    /// </summary>
    public int MaxBufferedBytesPerPartition { get; init; } = 4 << 20;

    /// <summary>
    /// A reader with more records than this before it reads through another consumer, so that it does not slow those at the tail. 0
    /// to 1,000,000,000.
    /// </summary>
    public int ReplayThresholdRecords { get; init; } = 20_000;

    /// <summary>
    /// Consumers, beside those of the tail and of replay, for further readers of a partition that is being replayed. They exist
    /// only while they are needed. 0 to 64.
    /// </summary>
    public int MaxExtraConsumers { get; init; } = 4;

    /// <summary>How old the known end of a partition may become before it is queried. 1 to 3,600.</summary>
    public int EndRefreshSeconds { get; init; } = 5;

    /// <summary>How long an append waits for the brokers before it fails. 1 to 3,600.</summary>
    public int AppendTimeoutSeconds { get; init; } = 120;

    /// <summary>How long one question to the brokers waits for its answer. 1 to 600.</summary>
    public int RequestTimeoutSeconds { get; init; } = 15;

    /// <summary>How long the description of a topic is cached. 1 to 3,600.</summary>
    public int TopicCacheSeconds { get; init; } = 30;

    /// <summary>How often readers' progress is committed for Kafka's own tools. 1 to 3,600.</summary>
    public int GroupCommitSeconds { get; init; } = 5;

    /// <summary>How often the producer and the admin client report how long brokers take to answer; 0: never. 0 to 3,600.</summary>
    public int StatisticsSeconds { get; init; } = 10;

    /// <summary>
    /// Settings of librdkafka for all clients, by their own names. A name that ends in <c>.file</c> takes the value from that file. Files
    /// are read again when they change.
    /// </summary>
    public Dictionary<string, string> Settings { get; init; } = [];

    /// <summary>Settings of librdkafka for consumers.</summary>
    public Dictionary<string, string> Consumer { get; init; } = [];

    /// <summary>Settings of librdkafka for the producer.</summary>
    public Dictionary<string, string> Producer { get; init; } = [];

    /// <summary>
    /// Whether the settings of topics are read and checked. False for brokers that do not answer for them, as the mock: each read would
    /// wait for <see cref="RequestTimeoutSeconds"/>. A topic's own limits are then not known before a broker refuses a record.
    /// </summary>
    public bool ChecksTopicSettings { get; init; } = true;

    /// <summary>All that is wrong with these values by themselves.</summary>
    internal IEnumerable<string> Errors()
    {
        if (string.IsNullOrWhiteSpace(BootstrapServers))
            yield return $"{Section}:{nameof(BootstrapServers)} is missing.";
        if (ReplicationFactor is 0 or < -1 or > 100)
            yield return $"{Section}:{nameof(ReplicationFactor)} is {ReplicationFactor}, but must be -1, or 1 to 100.";
        (string Name, int Value, int Least, int Most)[] ranges =
        [
            (nameof(MinInSyncReplicas), MinInSyncReplicas, 0, 100),
            (nameof(MaxRecordBytes), MaxRecordBytes, 1, 256 << 20),
            (nameof(MaxBufferedBytesPerPartition), MaxBufferedBytesPerPartition, 1 << 10, 1 << 30),
            (nameof(ReplayThresholdRecords), ReplayThresholdRecords, 0, 1_000_000_000),
            (nameof(MaxExtraConsumers), MaxExtraConsumers, 0, 64),
            (nameof(EndRefreshSeconds), EndRefreshSeconds, 1, 3_600),
            (nameof(AppendTimeoutSeconds), AppendTimeoutSeconds, 1, 3_600),
            (nameof(RequestTimeoutSeconds), RequestTimeoutSeconds, 1, 600),
            (nameof(TopicCacheSeconds), TopicCacheSeconds, 1, 3_600),
            (nameof(GroupCommitSeconds), GroupCommitSeconds, 1, 3_600),
            (nameof(StatisticsSeconds), StatisticsSeconds, 0, 3_600),
        ];
        foreach (var (name, value, least, most) in ranges)
        {
            if (value < least || value > most)
                yield return string.Create(CultureInfo.InvariantCulture, $"{Section}:{name} is {value}, but must be {least} to {most}.");
        }
    }
}
