using ActorStreams.Log;
using Confluent.Kafka.Admin;

namespace ActorStreams.Kafka.Topics;

/// <summary>The settings of a topic on which folding depends, as the brokers report them.</summary>
internal sealed record TopicSettings
{
    public const string TimestampType = "message.timestamp.type";
    public const string TimestampBefore = "message.timestamp.before.max.ms";
    public const string TimestampAfter = "message.timestamp.after.max.ms";

    /// <summary>The bytes of a batch beside its records.</summary>
    public const int BatchOverhead = 70;

    /// <summary>What Kafka adds to the one record of a batch: the batch's header and, at most, the record's own.</summary>
    private const int SingleRecordOverhead = 200;

    /// <summary>A limit on timestamps beyond this many milliseconds is none.</summary>
    private const long NoLimit = 100L * 365 * 24 * 3_600 * 1_000;

    private static readonly TimeSpan MostSkew = TimeSpan.FromSeconds(5);

    /// <summary>Whether records are removed by age, size or by later ones of their key.</summary>
    public string CleanupPolicy { get; private init; } = "";

    /// <summary>How long records are kept, in milliseconds; -1 for ever.</summary>
    public long RetentionMilliseconds { get; private init; } = -1;

    /// <summary>How many bytes of a partition are kept; -1 for all.</summary>
    public long RetentionBytes { get; private init; } = -1;

    /// <summary>The largest batch, compressed, that the topic takes.</summary>
    public int MaxMessageBytes { get; private init; } = int.MaxValue;

    /// <summary>Brokers replace the timestamps of records by the time of the append.</summary>
    public bool StampsAppends { get; private init; }

    /// <summary>How old a timestamp may be, and how far ahead, in milliseconds; null where any is taken.</summary>
    public (long? Age, long? Ahead) Timestamps { get; private init; }

    /// <summary>How many replicas must have an append before it is acknowledged.</summary>
    public int MinInSyncReplicas { get; private init; } = 1;

    public static TopicSettings Of(IReadOnlyDictionary<string, ConfigEntryResult> entries)
    {
        // Brokers before 3.6 have one limit for both directions.
        var both = Number(entries, "message.timestamp.difference.max.ms", long.MaxValue);
        return new()
        {
            CleanupPolicy = entries.GetValueOrDefault("cleanup.policy")?.Value ?? "",
            RetentionMilliseconds = Number(entries, "retention.ms", -1),
            RetentionBytes = Number(entries, "retention.bytes", -1),
            MaxMessageBytes = (int)Math.Min(int.MaxValue, Number(entries, "max.message.bytes", int.MaxValue)),
            StampsAppends = entries.GetValueOrDefault(TimestampType)?.Value == "LogAppendTime",
            Timestamps = (Limit(Number(entries, TimestampBefore, both)), Limit(Number(entries, TimestampAfter, both))),
            MinInSyncReplicas = (int)Number(entries, "min.insync.replicas", 1),
        };
    }

    /// <summary>What the topic takes, for a log that takes records of this size and sends batches of that.</summary>
    public TopicLimits Limits(int maxRecordBytes, int maxBatchBytes) => new()
    {
        MaxRecordBytes = Math.Min(maxRecordBytes, Math.Max(0, MaxMessageBytes - SingleRecordOverhead)),
        MaxBatchBytes = Math.Min(maxBatchBytes, MaxMessageBytes),
        MinTimestamp = 1,
        MaxAgeMilliseconds = StampsAppends ? null : Timestamps.Age,
        MaxAheadMilliseconds = StampsAppends ? null : Timestamps.Ahead,
    };

    /// <summary>The limit as it is kept here: stricter by what the clocks of this machine and of the brokers may differ.</summary>
    private static long? Limit(long milliseconds) =>
        milliseconds >= NoLimit ? null : milliseconds - Math.Min((long)MostSkew.TotalMilliseconds, milliseconds / 10);

    private static long Number(IReadOnlyDictionary<string, ConfigEntryResult> entries, string name, long otherwise) =>
        long.TryParse(entries.GetValueOrDefault(name)?.Value, CultureInfo.InvariantCulture, out var found) ? found : otherwise;
}
