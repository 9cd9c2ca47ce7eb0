using ActorStreams.Log;

namespace ActorStreams.DeadLetters;

/// <summary>A dead letter as it was read back.</summary>
/// <param name="Id">Which it is.</param>
/// <param name="Offset">Where it stands in the topic of dead letters.</param>
/// <param name="Timestamp">The original record's timestamp.</param>
/// <param name="Reason">What is wrong, in a sentence.</param>
internal sealed record StoredDeadLetter(DeadLetterId Id, long Offset, long Timestamp, string Reason)
{
    internal string? Key { get; init; }

    internal byte[]? KeyBytes { get; init; }

    internal string? Error { get; init; }

    internal DeadLetterId? First { get; init; }

    /// <summary>Why no definition can ever fold it; null where one could.</summary>
    internal string? Hopeless => Key is null && KeyBytes is null && IsComplete ? "The record has no key, so no definition can fold it. Append it with one." : null;

    /// <summary>The id that a redrive names: the same however often it failed.</summary>
    internal DeadLetterId Root => First ?? Id;

    internal byte[]? Value { get; init; }

    internal long? ValueBytes { get; init; }

    internal IReadOnlyList<RecordHeader> Headers { get; init; } = [];

    /// <summary>Whether key, headers and value are all here.</summary>
    internal bool IsComplete { get; init; }
}
