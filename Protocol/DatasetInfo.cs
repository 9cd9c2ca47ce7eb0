using System.Text.Json.Serialization;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>A dataset and how it is doing.</summary>
/// <param name="Name">The dataset's name.</param>
/// <param name="Kind">Entity or view.</param>
/// <param name="Version">The version of its definition.</param>
/// <param name="Topic">The topic it is folded from; for a view its input log.</param>
/// <param name="Partitions">How many partitions it has.</param>
/// <param name="Sources">The datasets a view is derived from; empty for an entity.</param>
/// <param name="States">How many keys have a state.</param>
/// <param name="Behind">How far its slowest partition is behind.</param>
/// <param name="Status">The most severe status among its partitions.</param>
/// <param name="Reason">Why that partition does not fold; null where all fold.</param>
/// <param name="Partitioner">How the producers of the topic choose a key's partition.</param>
/// <param name="Misplaced">Records folded whose key belongs to another partition of the topic.</param>
/// <param name="Build">The build that readers get; 0 from a silo that knows none.</param>
public sealed record DatasetInfo(
    string Name,
    [property: JsonConverter(typeof(WordConverter<DatasetKind>))] DatasetKind Kind,
    int Version,
    string Topic,
    int Partitions,
    IReadOnlyList<string> Sources,
    long States,
    Behind? Behind,
    PartitionState Status,
    string? Reason = null,
    [property: JsonConverter(typeof(WordConverter<KeyPartitioner>))] KeyPartitioner Partitioner = KeyPartitioner.Murmur2,
    long Misplaced = 0,
    int Build = 0);
