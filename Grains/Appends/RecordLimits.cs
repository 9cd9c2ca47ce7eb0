using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Grains.Appends;

/// <summary>What an append takes.</summary>
/// <param name="MaxRecordBytes">The largest record: key, value and headers, in bytes.</param>
public sealed record RecordLimits(int MaxRecordBytes = 1_000_000)
{
    /// <summary>How long an idempotency key is kept.</summary>
    public TimeSpan KeyLifetime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Lines of one append that are checked as a whole.</summary>
    public const int MaxLines = 1_000;

    /// <summary>Bytes of one append that are checked as a whole, unless it is one line.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>What a line may have beyond its record: member names, escapes, white space.</summary>
    public const int LineOverhead = 64 << 10;

    /// <summary>What is wrong with a record; null when a topic with these limits takes it now.</summary>
    internal string? FaultOf(in NewRecord record, TopicLimits topic, DateTimeOffset now) =>
        record.Key is { Length: > FoldLimits.MaxKeyBytes } key
        ? $"The record's key has {key.Length} bytes, but at most {FoldLimits.MaxKeyBytes} are taken. Shorten it, or hash a part of it."
        : record.Size <= MaxRecordBytes ? topic.Refusal(record.Size, record.Timestamp, now)
        : $"The record has {record.Size} bytes, but at most {MaxRecordBytes} are taken (Silo:MaxRecordBytes). "
            + "Split it, or keep the large part elsewhere.";
}
