using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>How far a state is behind the log it is folded from.</summary>
/// <param name="Records">The gap: records not yet folded.</param>
/// <param name="Seconds">The lag: seconds since there was nothing left to fold.</param>
public sealed record Behind(long Records, double Seconds);

/// <summary>The state of one key, and the position that it reflects.</summary>
/// <param name="Dataset">The dataset's name.</param>
/// <param name="Key">The key.</param>
/// <param name="State">The state; null when the key has none.</param>
/// <param name="Position">The last record folded into it; offset -1 when nothing is folded yet.</param>
/// <param name="Time">That record's time; null when the key has no state.</param>
/// <param name="Behind">How far the partition is behind.</param>
/// <param name="Build">The build of the dataset that it is of; 0 from a silo that knows none.</param>
public sealed record StateAnswer(
    string Dataset, string Key, RawJson? State, [property: JsonConverter(typeof(PositionConverter))] Position Position,
    DateTimeOffset? Time, Behind? Behind, int Build = 0);

/// <summary>A page of a dataset's states, in the order of their keys.</summary>
/// <param name="Dataset">The dataset's name.</param>
/// <param name="Items">The states.</param>
/// <param name="Next">The key after which the next page begins; null on the last page.</param>
/// <param name="Build">The build of the dataset that they are of; 0 from a silo that knows none.</param>
public sealed record PageAnswer(string Dataset, IReadOnlyList<ItemAnswer> Items, string? Next, int Build = 0);

/// <summary>One state of a page.</summary>
/// <param name="Key">The key.</param>
/// <param name="State">Its state.</param>
/// <param name="Time">The time of the last record folded into it.</param>
public sealed record ItemAnswer(string Key, RawJson? State, DateTimeOffset Time);
