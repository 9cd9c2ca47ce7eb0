using ActorStreams.Log;

namespace ActorStreams.DeadLetters;

/// <summary>Something that could not be folded or routed.</summary>
/// <param name="Dataset">The dataset whose definition or input is at fault.</param>
/// <param name="Position">The record of the input log.</param>
/// <param name="Index">Its place among the changes of that record; 0 for an entity.</param>
/// <param name="Key">The key, when it is known.</param>
/// <param name="Reason">What is wrong, in a sentence.</param>
/// <param name="Error">The exception with its stack, when there was one.</param>
/// <param name="Value">The original bytes: the record's value, or the routed change as JSON.</param>
/// <param name="Timestamp">The record's timestamp.</param>
internal sealed record DeadLetter(
    string Dataset, Position Position, int Index, string? Key, string Reason, string? Error, ReadOnlyMemory<byte>? Value, long Timestamp)
{
    /// <summary>The kind of fault, for counting, where a reason would say too much.</summary>
    internal FaultKind Kind { get; init; }

    internal DeadLetterId Id => new(Dataset, Position, Index);

    /// <summary>For a record that was redriven and could not be folded again: the dead letter that it became first.</summary>
    internal DeadLetterId? First { get; init; }

    /// <summary>The record's key as it was; null when it has none, and for a change.</summary>
    internal ReadOnlyMemory<byte>? KeyBytes { get; init; }

    /// <summary>The record's headers.</summary>
    internal IReadOnlyList<RecordHeader> Headers { get; init; } = [];
}
