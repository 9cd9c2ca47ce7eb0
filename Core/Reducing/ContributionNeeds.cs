using ActorStreams.States;

namespace ActorStreams.Reducing;

/// <summary>The contributions that a batch needs from the store before it can be folded.</summary>
internal sealed class ContributionNeeds
{
    /// <summary>Rankings whose head is not, or not far enough, in memory.</summary>
    internal List<ContributionScan> Scans { get; } = [];

    /// <summary>Counted elements that are not in memory.</summary>
    internal List<ContributionId> Counts { get; } = [];

    internal bool Any => Scans.Count > 0 || Counts.Count > 0;
}

/// <summary>The first contributions of one slot of one view key, at most <paramref name="Limit"/>.</summary>
internal readonly record struct ContributionScan(string Key, int Slot, int Limit);
