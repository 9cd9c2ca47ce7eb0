using ActorStreams.Folding;

namespace ActorStreams.Partitions.Reading;

/// <summary>A key's state as a partition answers it.</summary>
/// <param name="Key">The key.</param>
/// <param name="State">The state as JSON, UTF-8; null when it does not exist.</param>
/// <param name="Offset">The last offset of the input log that the state reflects; -1 when nothing is folded yet.</param>
/// <param name="Timestamp">The timestamp of the last record folded into the state, in milliseconds since 1970 UTC.</param>
/// <param name="BehindRecords">Records that the partition has still to fold.</param>
/// <param name="BehindSeconds">Seconds since the partition had nothing left to fold; 0 when it has nothing.</param>
internal sealed record StateRead(string Key, byte[]? State, long Offset, long Timestamp, long BehindRecords, double BehindSeconds)
{
    /// <summary>The offset of the last record folded into the state; -1 when the state does not exist.</summary>
    internal long Changed { get; init; } = -1;
}

/// <summary>The state with which a watch begins, or one change after it: one of the two is set.</summary>
internal readonly record struct WatchItem(StateRead? State, WatchedChange? Change);
