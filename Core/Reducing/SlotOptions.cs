namespace ActorStreams.Reducing;

/// <summary>How the slots of a partition keep their contributions.</summary>
/// <param name="SpareRanks">Elements that a ranking keeps in memory beyond twice those it ranks.</param>
/// <param name="KnownElements">Elements of a distinct count that may stay in memory once the store has them.</param>
/// <param name="IsStored">Whether a store stands behind; otherwise everything stays in memory.</param>
internal sealed record SlotOptions(int SpareRanks, int KnownElements, bool IsStored);
