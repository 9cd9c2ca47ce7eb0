using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Builds;

/// <summary>
/// One computation of a dataset (semantics §7), as the catalog keeps it: a definition over builds of its sources. Its number names states,
/// input log, positions, marks and frames, and is never given twice.
/// </summary>
public sealed record Build
{
    /// <summary>The dataset's name.</summary>
    public required string Dataset { get; init; }

    /// <summary>The number, from 1, counted for each dataset by itself.</summary>
    public required int Number { get; init; }

    /// <summary>Entity or view.</summary>
    public required DatasetKind Kind { get; init; }

    /// <summary>The definition's version, as its author counts.</summary>
    public required int Version { get; init; }

    /// <summary>The hash of everything that must stay the same for folding to go on (<see cref="DefinitionHash"/>).</summary>
    public required string Definition { get; init; }

    /// <summary>The shape of the state as a JSON schema: what the words for a change are found by.</summary>
    public string Shape { get; init; } = "";

    /// <summary>The input log.</summary>
    public required string Topic { get; init; }

    /// <summary>How many partitions it has.</summary>
    public required int Partitions { get; init; }

    /// <summary>How its producers choose a key's partition.</summary>
    public KeyPartitioner Partitioner { get; init; }

    /// <summary>The builds that feed it, in the order of the definition's sources; none for an entity.</summary>
    public IReadOnlyList<BuildId> Sources { get; init; } = [];

    /// <summary>How often the dataset had been asked to be rebuilt when this build was made: each time is another build.</summary>
    public int Round { get; init; }

    /// <summary>Why it exists, in words.</summary>
    public required string Why { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset Made { get; init; }

    /// <summary>Whether it was folded before checkpoints had edges: by a version of this program without builds.</summary>
    public bool IsBeforeEdges { get; init; }

    /// <summary>
    /// Since when it lacks changes, as a source's partition was owned by a silo that does not know its definition; null when it lacks none.
    /// It is not folded any more: should its definition come back, that is another build.
    /// </summary>
    public DateTimeOffset? Detached { get; init; }

    /// <summary>Whether it is being deleted.</summary>
    public bool IsRetired { get; init; }

    /// <summary>Dataset and number.</summary>
    public BuildId Id => new(Dataset, Number);

    /// <summary>As <see cref="BuildId.Address"/>.</summary>
    internal string Address => Id.Address(IsBeforeEdges);

    /// <summary>Whether it can still be folded.</summary>
    public bool IsWhole => Detached is null && !IsRetired;
}
