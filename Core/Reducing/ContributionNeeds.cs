using ActorStreams.States;

namespace ActorStreams.Reducing;

/// <summary>The contributions that a batch needs from the store before it can be folded.</summary>
internal sealed class ContributionNeeds
{
    /// <summary>Rankings whose head is not, or not far enough, in memory.</summary>
    internal List<ContributionScan> Scans { get; } = [];

    /// <summary>Contributions by their addresses.</summary>
    internal List<ContributionId> Rows { get; } = [];

    internal bool Any => Scans.Count > 0 || Rows.Count > 0;
}
