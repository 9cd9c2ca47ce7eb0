namespace ActorStreams.Client.Calls;

/// <summary>A record to append.</summary>
public sealed record AppendRecord
{
    /// <summary>The key; it says which partition the record goes to.</summary>
    public required string Key { get; init; }

    /// <summary>The value, written as JSON by its own type; null is a tombstone: the entity ends here.</summary>
    public object? Value { get; init; }

    /// <summary>The record's time, kept to the millisecond; null lets the silo stamp it.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    /// <summary>Named data beside the value; null for none.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
}
