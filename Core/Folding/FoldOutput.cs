using ActorStreams.Definitions;
using ActorStreams.Lineage;
using ActorStreams.Log;

namespace ActorStreams.Folding;

/// <summary>What folding one batch gave, besides new states: all that the shell has to send on.</summary>
internal sealed class FoldOutput
{
    /// <summary>Frames for the views' input logs, in the order they must be appended.</summary>
    internal List<Frame> Frames { get; } = [];

    /// <summary>Records and changes that could not be folded.</summary>
    internal List<DeadLetter> DeadLetters { get; } = [];

    /// <summary>Changes of keys that somebody watches.</summary>
    internal List<WatchedChange> Watched { get; } = [];

    /// <summary>Bytes of all frames and dead letters.</summary>
    internal long Bytes => Frames.Sum(frame => (long)frame.Bytes.Length) + DeadLetters.Sum(letter => (long)(letter.Value?.Length ?? 0));

    /// <summary>Records folded; repeats and dead letters not counted.</summary>
    internal int Folded { get; set; }

    /// <summary>Changes skipped because their origin was not above the mark.</summary>
    internal int Repeats { get; set; }

    /// <summary>Set when the dataset stops at bad records and met one: the offset it stands at. What is in memory is then worthless.</summary>
    internal long? StoppedAt { get; set; }
}

/// <summary>A finished frame: one record for one partition of a view's input log.</summary>
internal readonly record struct Frame(Dataset View, int Partition, byte[] Bytes, long Timestamp);

/// <summary>A change of a watched key. Ordinal is its place among the changes of one record.</summary>
internal sealed record WatchedChange(string Key, byte[]? Before, byte[]? After, long Offset, int Ordinal, long Timestamp, Cause Cause);

/// <summary>Something that could not be folded or routed.</summary>
/// <param name="Dataset">The dataset whose definition or input is at fault.</param>
/// <param name="Position">The record of the input log.</param>
/// <param name="Ordinal">Its place among the changes of that record; 0 for an entity.</param>
/// <param name="Key">The key, when it is known.</param>
/// <param name="Reason">What is wrong, in a sentence.</param>
/// <param name="Error">The exception with its stack, when there was one.</param>
/// <param name="Value">The original bytes: the record's value, or the routed change as JSON.</param>
/// <param name="Timestamp">The record's timestamp.</param>
internal sealed record DeadLetter(
    string Dataset, Position Position, int Ordinal, string? Key, string Reason, string? Error, ReadOnlyMemory<byte>? Value, long Timestamp)
{
    /// <summary>The kind of fault, one of <see cref="FaultKinds.All"/>: for counting, where a reason would say too much.</summary>
    internal string Kind { get; init; } = FaultKinds.Unreadable;

    internal DeadLetterId Id => new(Dataset, Position, Ordinal);

    /// <summary>For a record that was redriven and could not be folded again: the dead letter that it became first.</summary>
    internal DeadLetterId? First { get; init; }

    /// <summary>The record's key as it was; null when it has none, and for a change.</summary>
    internal ReadOnlyMemory<byte>? KeyBytes { get; init; }

    /// <summary>The record's headers.</summary>
    internal IReadOnlyList<RecordHeader> Headers { get; init; } = [];
}
