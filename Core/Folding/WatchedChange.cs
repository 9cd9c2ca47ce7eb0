using ActorStreams.Lineage;
using ActorStreams.Log;

namespace ActorStreams.Folding;

/// <summary>A change of a watched key.</summary>
internal sealed record WatchedChange(string Key, byte[]? Before, byte[]? After, ChangePosition Position, long Timestamp, Cause Cause);
