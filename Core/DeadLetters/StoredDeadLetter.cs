using ActorStreams.Log;

namespace ActorStreams.DeadLetters;

/// <summary>A dead letter as it was read back.</summary>
/// <param name="Id">Which it is.</param>
/// <param name="Offset">Its offset in the topic of dead letters.</param>
/// <param name="Timestamp">The original record's timestamp.</param>
/// <param name="Reason">What is wrong, in a sentence.</param>
public sealed record StoredDeadLetter(DeadLetterId Id, long Offset, long Timestamp, string Reason)
{
    /// <summary>The key as text; null where it is none.</summary>
    public string? Key { get; init; }

    /// <summary>The key as it was; null where the record has none.</summary>
    public byte[]? KeyBytes { get; init; }

    /// <summary>The exception with its stack, where there was one.</summary>
    public string? Error { get; init; }

    /// <summary>The dead letter that the record became first, where it was redriven and failed again.</summary>
    public DeadLetterId? First { get; init; }

    /// <summary>Why no definition can ever fold it; null where one could.</summary>
    public string? Hopeless =>
        Key is null && KeyBytes is null && IsComplete ? "The record has no key, so no definition can fold it. Append it with one." : null;

    /// <summary>The id that a redrive names: the same however often it failed.</summary>
    public DeadLetterId Root => First ?? Id;

    /// <summary>The original value, or its beginning; null where it was not read or is none.</summary>
    public byte[]? Value { get; init; }

    /// <summary>The length of the original value.</summary>
    public long? ValueBytes { get; init; }

    /// <summary>The headers of the record.</summary>
    public IReadOnlyList<RecordHeader> Headers { get; init; } = [];

    /// <summary>Whether key, headers and value are all here.</summary>
    public bool IsComplete { get; init; }
}
