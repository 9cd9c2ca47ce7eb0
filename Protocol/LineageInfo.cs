using System.Text.Json.Serialization;
using ActorStreams.Definitions;

namespace ActorStreams.Protocol;

/// <summary>Which dataset is derived from what.</summary>
/// <param name="Topics">The source topics.</param>
/// <param name="Datasets">The datasets.</param>
/// <param name="Edges">An edge for each thing a dataset is folded from.</param>
public sealed record LineageInfo(
    IReadOnlyList<LineageTopic> Topics, IReadOnlyList<LineageDataset> Datasets, IReadOnlyList<LineageEdge> Edges);

/// <summary>A source topic in the lineage.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Partitions">How many partitions it has.</param>
public sealed record LineageTopic(string Name, int Partitions);

/// <summary>A dataset in the lineage.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Entity or view.</param>
/// <param name="Version">The version of its definition.</param>
/// <param name="Topic">The topic it is folded from.</param>
public sealed record LineageDataset(
    string Name, [property: JsonConverter(typeof(WordConverter<DatasetKind>))] DatasetKind Kind, int Version, string Topic);

/// <summary>That <paramref name="To"/> is folded from <paramref name="From"/>.</summary>
/// <param name="From">A topic or a dataset.</param>
/// <param name="To">A dataset's name.</param>
public sealed record LineageEdge(LineageNode From, string To);

/// <summary>One end of an edge.</summary>
/// <param name="Kind">Topic or dataset.</param>
/// <param name="Name">Its name.</param>
public sealed record LineageNode(LineageNodeKind Kind, string Name);

/// <summary>What stands at the beginning of an edge.</summary>
[JsonConverter(typeof(WordConverter<LineageNodeKind>))]
public enum LineageNodeKind
{
    /// <summary>A source topic.</summary>
    Topic,

    /// <summary>A dataset.</summary>
    Dataset,
}
