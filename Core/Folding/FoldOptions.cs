using ActorStreams.Reducing;

namespace ActorStreams.Folding;

/// <summary>The bounds of one partition's fold.</summary>
public sealed record FoldOptions
{
    /// <summary>
    /// States that a partition keeps in memory; the others rest in the store and are read through. Only states that are stored can leave.
    /// </summary>
    public int TableEntries { get; init; } = 100_000;

    /// <summary>
    /// Bytes, before compression, after which a frame is closed and another begun: below what .NET puts on its large heap.
    /// </summary>
    public int MaxFrameBytes { get; init; } = 64 << 10;

    /// <summary>View keys that one state may concern; with more, the routing fails.</summary>
    public int MaxKeysPerState { get; init; } = 10_000;

    /// <summary>Contributions of a reduction that are kept in memory for each view key, at least twice what the reduction needs.</summary>
    public int ContributionWindow { get; init; } = 512;

    /// <summary>No store stands behind: everything stays in memory.</summary>
    internal static FoldOptions InMemory { get; } = new() { TableEntries = int.MaxValue, ContributionWindow = ContributionSlot.Unbounded };
}
