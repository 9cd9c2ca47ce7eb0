using System.Text.Json;
using ActorStreams.Log;

namespace ActorStreams.Definitions;

/// <summary>A named set of keyed states with one definition: an entity or a view, as a <see cref="Topology"/> holds it.</summary>
public abstract class Dataset
{
    private IReadOnlyList<Edge> _dependents = [];
    private IReadOnlyList<Edge> _sources = [];

    private protected Dataset(DatasetKind kind, string name, int version, BadRecords badRecords, JsonSerializerOptions json) =>
        (Kind, Name, Version, BadRecords, Json) = (kind, name, version, badRecords, json);

    /// <summary>Entity or view.</summary>
    public DatasetKind Kind { get; }

    /// <summary>The name, unique in the topology.</summary>
    public string Name { get; }

    /// <summary>The version of the definition, from 1. A changed fold needs a higher one.</summary>
    public int Version { get; }

    /// <summary>
    /// Which computation of the dataset this is (semantics §7), from 1: it names states, input log, positions, marks and frames.
    /// </summary>
    public int Build { get; internal set; } = 1;

    /// <summary>The build's name.</summary>
    public BuildId Id => new(Name, Build);

    /// <summary>The name by which silos speak of the build. Silos without builds use the dataset's for those that they know.</summary>
    internal string Address => Id.Address(IsBeforeEdges);

    /// <summary>
    /// Whether this process does not know the build's definition: it cannot fold it, and reads its states where it is folded, or as they
    /// were stored.
    /// </summary>
    internal bool IsForeign { get; set; }

    /// <summary>Whether this build was folded before checkpoints had edges: then it has those of all its sources.</summary>
    internal bool IsBeforeEdges { get; set; }

    /// <summary>The input log: the entity's source topic, or the view's own topic of routed changes.</summary>
    public string Topic { get; internal set; } = "";

    /// <summary>How many partitions the input log has, and so the dataset.</summary>
    public int Partitions { get; internal set; }

    /// <summary>How the producers of the input log choose a key's partition; for a view always murmur2.</summary>
    public KeyPartitioner Partitioner { get; internal set; }

    /// <summary>What happens to a record that cannot be folded.</summary>
    public BadRecords BadRecords { get; }

    /// <summary>The datasets whose changes this one is folded from; empty for an entity.</summary>
    public IEnumerable<Dataset> Sources => _sources.Select(edge => edge.Source);

    /// <summary>The views that are folded from this dataset's changes.</summary>
    public IEnumerable<Dataset> Dependents => _dependents.Select(edge => edge.View);

    /// <summary>The type of a state.</summary>
    public abstract Type StateType { get; }

    /// <summary>Bytes that the stored form of a state may have.</summary>
    internal int MaxStateBytes { get; init; } = FoldLimits.DefaultMaxStateBytes;

    internal JsonSerializerOptions Json { get; }

    internal IReadOnlyList<Edge> SourceEdges => _sources;

    internal IReadOnlyList<Edge> DependentEdges => _dependents;

    /// <summary>
    /// The partition a key belongs to, its home: where the partitioner puts it, or, where that is unknown, where our own appends put it.
    /// </summary>
    public int PartitionOf(string key) => Log.Partitioner.PartitionOf(key, Partitions, Partitioner);

    /// <summary>Whether a well-behaved producer puts this key into its home partition and nowhere else.</summary>
    internal bool HasHome(ReadOnlySpan<char> key) =>
        Partitioner == KeyPartitioner.Murmur2 || (Partitioner == KeyPartitioner.Crc32 && !key.IsEmpty);

    /// <summary>
    /// Which of the states of one key counts, where it has one in several partitions: the greatest place. That is its home, where it has
    /// one; else the state with the latest timestamp; among equals the lowest partition. One rule for reads, lists and batches.
    /// </summary>
    internal (bool Home, long Timestamp, int Order) PlaceOf(string key, int partition, long timestamp, int? partitions = null) => (
        HasHome(key) && Log.Partitioner.PartitionOf(key, partitions ?? Partitions, Partitioner) == partition, timestamp, -partition);

    /// <inheritdoc/>
    public override string ToString() => $"{(Kind == DatasetKind.Entity ? "entity" : "view")} '{Name}'";

    internal abstract IReadOnlyList<Type> SourceTypes { get; }

    /// <summary>Calls the visitor with the dataset's own type, so that what needs the state's type need not be known here.</summary>
    internal abstract TResult Accept<TResult>(IDatasetVisitor<TResult> visitor);

    /// <summary>The same definition for another build; it has no sources and no dependents yet.</summary>
    internal Dataset ForBuild(int build)
    {
        var copy = (Dataset)MemberwiseClone();
        (copy.Build, copy._dependents, copy._sources) = (build, [], []);
        return copy;
    }

    internal void Connect(IReadOnlyList<Dataset> sources)
    {
        _sources = [.. sources.Select((source, index) => new Edge(source, this, index))];
        // Other threads may be reading the lists: they keep the old ones.
        foreach (var edge in _sources)
            edge.Source._dependents = [.. edge.Source._dependents, edge];
    }

    /// <summary>Nothing feeds this build any more.</summary>
    internal void Disconnect()
    {
        foreach (var source in Sources)
            source._dependents = [.. source._dependents.Where(edge => edge.View != this)];
    }

    /// <summary>One source of one view; <paramref name="Index"/> is its place among the view's sources.</summary>
    internal sealed record Edge(Dataset Source, Dataset View, int Index);
}
