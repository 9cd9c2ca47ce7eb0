using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>One change of a watched state.</summary>
/// <param name="Key">The key.</param>
/// <param name="Before">The state before; null when the key had none.</param>
/// <param name="After">The state after; null when the key has none any more.</param>
/// <param name="Position">The change's place.</param>
/// <param name="Cause">Which records caused it.</param>
/// <param name="Time">The time of the root record.</param>
/// <param name="Build">The build of the dataset that it is of; 0 from a silo that knows none.</param>
public sealed record ChangeAnswer(
    string Key, RawJson? Before, RawJson? After, ChangePlace Position, ChangeCause? Cause, DateTimeOffset? Time, int Build = 0);

/// <summary>The place of a change: one record may cause several, distinguished by <paramref name="Index"/>.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Partition">The partition's number.</param>
/// <param name="Offset">The record's offset.</param>
/// <param name="Index">The change's number within the record, from 0.</param>
public sealed record ChangePlace(string Topic, int Partition, long Offset, int Index);

/// <summary>Why a change happened.</summary>
/// <param name="Trigger">The record that was folded.</param>
/// <param name="Root">The record of a source topic at which the chain of causes begins.</param>
public sealed record ChangeCause(
    [property: JsonConverter(typeof(PositionConverter))] Position Trigger,
    [property: JsonConverter(typeof(PositionConverter))] Position Root);
