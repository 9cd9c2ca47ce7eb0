using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>What a batch needs from the store before it can be folded.</summary>
internal sealed class FoldNeeds
{
    /// <summary>Keys whose states are not in the table.</summary>
    internal List<string> Keys { get; } = [];

    /// <summary>Rankings whose head is not, or not far enough, in memory.</summary>
    internal List<Scan> Scans { get; } = [];

    /// <summary>Counted elements that are not in memory.</summary>
    internal List<ContributionId> Counts { get; } = [];

    internal bool Any => Keys.Count > 0 || Scans.Count > 0 || Counts.Count > 0;

    internal readonly record struct Scan(string Key, int Slot, int Limit);
}
