using ActorStreams.Log;

namespace ActorStreams.Client;

/// <summary>What a silo reports of one dataset.</summary>
/// <param name="Name">The dataset's name.</param>
/// <param name="Kind">Entity or view.</param>
/// <param name="Version">The version of its definition.</param>
/// <param name="Topic">The topic it is folded from; for a view its input log.</param>
/// <param name="Partitions">How many partitions it has.</param>
/// <param name="Sources">The datasets a view is derived from; empty for an entity.</param>
/// <param name="States">How many keys have a state.</param>
/// <param name="Behind">How far its slowest partition is behind.</param>
/// <param name="Status">running, starting, stopped or waiting.</param>
/// <param name="Partitioner">How the producers of the topic choose a key's partition.</param>
/// <param name="Misplaced">Records folded whose key belongs to another partition of the topic.</param>
public sealed record DatasetInfo(
    string Name,
    DatasetKind Kind,
    int Version,
    string Topic,
    int Partitions,
    IReadOnlyList<string> Sources,
    long States,
    Behind? Behind,
    string? Status,
    KeyPartitioner Partitioner = KeyPartitioner.Murmur2,
    long Misplaced = 0);

/// <summary>What a dataset is folded from.</summary>
public enum DatasetKind
{
    /// <summary>Folded from a source topic, by the records' own key.</summary>
    Entity,

    /// <summary>Folded from the changes of other datasets, by a derived key.</summary>
    View,
}
