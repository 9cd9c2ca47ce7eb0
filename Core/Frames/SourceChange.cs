using ActorStreams.Log;

namespace ActorStreams.Frames;

/// <summary>A change as its source's partition routes it.</summary>
internal readonly record struct SourceChange(long Offset, int Index, long Timestamp, Position Root, byte[]? Before, byte[]? After);
