namespace ActorStreams.Grains;

/// <summary>
/// Decides which silo owns which partition: one grain for the whole cluster, queried by every silo when the membership changes. It keeps
/// its decision in grain storage, so that the next decision, by whichever silo it then lives on, moves only what it must.
/// </summary>
[Alias("ActorStreams.IPlacementGrain")]
public interface IPlacementGrain : IGrainWithIntegerKey
{
    /// <summary>The owners, decided anew when the members have changed.</summary>
    /// <param name="membershipVersion">The version of the membership that the caller has seen; the answer takes it into account.</param>
    [Alias("Owners")]
    Task<PartitionMap> Owners(long membershipVersion);

    /// <summary>The owners, decided anew when the members or the builds that they know have changed.</summary>
    /// <param name="membershipVersion">The version of the membership that the caller has seen.</param>
    /// <param name="silo">The caller.</param>
    /// <param name="builds">The builds whose definitions it knows, by name, with their numbers of partitions.</param>
    [Alias("OwnersFor")]
    Task<PartitionMap> OwnersFor(long membershipVersion, SiloAddress silo, IReadOnlyDictionary<string, int> builds);

    /// <summary>The owners without a silo that is about to leave.</summary>
    [Alias("Leave")]
    Task<PartitionMap> Leave(SiloAddress silo);

    /// <summary>The owners as they were last decided, for the Orleans dashboard.</summary>
    [Alias("GetState")]
    Task<PartitionMap> GetState();
}

/// <summary>Who owns which partition.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.PartitionMap")]
public sealed record PartitionMap
{
    /// <summary>Grows with every decision.</summary>
    [Id(0)]
    public long Version { get; init; }

    /// <summary>Silos that are leaving, while they are still members.</summary>
    [Id(1)]
    public IReadOnlyList<string> Leaving { get; init; } = [];

    /// <summary>For each build the owner of each of its partitions, by number: a silo's address as text.</summary>
    [Id(2)]
    public IReadOnlyDictionary<string, string[]> Owners { get; init; } = new Dictionary<string, string[]>();

    /// <summary>The builds that every member knows.</summary>
    [Id(3)]
    public IReadOnlyList<string> KnownToAll { get; init; } = [];
}
