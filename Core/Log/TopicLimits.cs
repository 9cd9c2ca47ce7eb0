namespace ActorStreams.Log;

/// <summary>What a topic takes. A record that is outside is refused before anything is sent, by this one rule on every log.</summary>
public sealed record TopicLimits
{
    /// <summary>The limits of a log that has none.</summary>
    public static TopicLimits None { get; } = new();

    /// <summary>The bytes of the largest record: key, value and headers.</summary>
    public int MaxRecordBytes { get; init; } = int.MaxValue;

    /// <summary>The bytes that the log writes in one batch. An append of more is split by the log, and need not be by its caller.</summary>
    public int MaxBatchBytes { get; init; } = int.MaxValue;

    /// <summary>The earliest timestamp, in milliseconds since 1970 UTC.</summary>
    public long MinTimestamp { get; init; } = long.MinValue;

    /// <summary>How far a timestamp may lie before the present, in milliseconds; null for any time.</summary>
    public long? MaxAgeMilliseconds { get; init; }

    /// <summary>How far a timestamp may lie after the present, in milliseconds; null for any time.</summary>
    public long? MaxAheadMilliseconds { get; init; }

    /// <summary>The earliest timestamp that is taken at a moment.</summary>
    public long EarliestAt(DateTimeOffset now) =>
        MaxAgeMilliseconds is { } age ? Math.Max(MinTimestamp, SaturatingAdd(now.ToUnixTimeMilliseconds(), -age)) : MinTimestamp;

    /// <summary>The latest timestamp that is taken at a moment.</summary>
    public long LatestAt(DateTimeOffset now) =>
        MaxAheadMilliseconds is { } ahead ? SaturatingAdd(now.ToUnixTimeMilliseconds(), ahead) : long.MaxValue;

    /// <summary>Why the topic does not take a record of this size and time: a sentence with the numbers. Null when it takes it.</summary>
    public string? Refusal(int bytes, long timestamp, DateTimeOffset now)
    {
        if (bytes > MaxRecordBytes)
            return string.Create(
                CultureInfo.InvariantCulture, $"The record has {bytes} bytes, but its topic takes {MaxRecordBytes} at most.");
        if (timestamp < EarliestAt(now))
            return string.Create(
                CultureInfo.InvariantCulture,
                $"The record has the timestamp {timestamp}, but its topic takes none before {EarliestAt(now)}.");
        if (timestamp > LatestAt(now))
            return string.Create(
                CultureInfo.InvariantCulture, $"The record has the timestamp {timestamp}, but its topic takes none after {LatestAt(now)}.");
        return null;
    }

    private static long SaturatingAdd(long one, long other) => (long)Int128.Clamp((Int128)one + other, long.MinValue, long.MaxValue);
}
