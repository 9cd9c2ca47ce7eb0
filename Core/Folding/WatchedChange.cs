using ActorStreams.Lineage;

namespace ActorStreams.Folding;

/// <summary>A change of a watched key. Index is its place among the changes of one record.</summary>
internal sealed record WatchedChange(string Key, byte[]? Before, byte[]? After, long Offset, int Index, long Timestamp, Cause Cause);
