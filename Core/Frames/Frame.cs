using ActorStreams.Definitions;

namespace ActorStreams.Frames;

/// <summary>A finished frame: one record for one partition of a view's input log.</summary>
internal readonly record struct Frame(Dataset View, int Partition, byte[] Bytes, long Timestamp);
