using ActorStreams.Frames;
using ActorStreams.Reducing;

namespace ActorStreams.Folding;

/// <summary>The bounds of one partition's fold. None of them changes what is folded.</summary>
public sealed record FoldOptions
{
    /// <summary>
    /// States that a partition keeps in memory; the others rest in the store and are read through. Only states that are stored can leave.
    /// </summary>
    public int TableEntries { get; init; } = 100_000;

    /// <summary>Bytes that the states in memory, and what lies beside them, may take; counted about.</summary>
    public long TableBytes { get; init; } = 64 << 20;

    /// <summary>
    /// Bytes, before compression, after which a frame is closed and another begun: below what .NET puts on its large heap.
    /// </summary>
    public int MaxFrameBytes { get; init; } = 64 << 10;

    /// <summary>
    /// Bytes of records, decompressed, that are folded in one go: readers of the partition wait as long. A batch of more is folded in
    /// several.
    /// </summary>
    public int SliceBytes { get; init; } = 1 << 20;

    /// <summary>Elements that a ranking keeps in memory for each view key, beyond twice those it ranks.</summary>
    public int SpareRanks { get; init; } = 16;

    /// <summary>Elements of a distinct count that are kept in memory for each view key once the store has them.</summary>
    public int KnownElements { get; init; } = 512;

    /// <summary>Stored states that a new edge sends between two checkpoints while its view is backfilled.</summary>
    internal int ChunkStates { get; init; } = EdgeReach.UsualChunkStates;

    /// <summary>Bytes of them after which a checkpoint comes.</summary>
    internal int ChunkBytes { get; init; } = EdgeReach.UsualChunkBytes;

    /// <summary>
    /// Whether states are kept as the fold made them, also where their stored form loses something: for the test kit, which finds such
    /// states by it.
    /// </summary>
    internal bool KeepsStatesUnstored { get; init; }

    /// <summary>Whether a store stands behind.</summary>
    internal bool IsStored { get; init; } = true;

    internal SlotOptions Slots => new(SpareRanks, KnownElements, IsStored);

    /// <summary>No store stands behind: everything stays in memory.</summary>
    internal static FoldOptions InMemory { get; } = new() { TableEntries = int.MaxValue, TableBytes = long.MaxValue, IsStored = false };
}
