using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>The record before which a partition has stopped, to be set aside.</summary>
/// <param name="Dataset">The dataset.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Offset">Where it stands: <see cref="PartitionInfo.StoppedAt"/>.</param>
/// <param name="WaitSeconds">How long to wait for the checkpoint.</param>
public sealed record SetAsideRequest(string Dataset, int Partition, long Offset, double? WaitSeconds = null);

/// <summary>A record that is set aside: a checkpoint with it is written, and its partition continues.</summary>
/// <param name="Dataset">The dataset.</param>
/// <param name="Position">The record of its input log.</param>
public sealed record SetAsideInfo(string Dataset, [property: JsonConverter(typeof(PositionConverter))] Position Position);
