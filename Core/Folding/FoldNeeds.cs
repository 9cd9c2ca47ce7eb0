using ActorStreams.Reducing;

namespace ActorStreams.Folding;

/// <summary>What a batch needs from the store before it can be folded.</summary>
internal sealed class FoldNeeds
{
    /// <summary>Keys whose states are not in the table.</summary>
    internal List<string> Keys { get; } = [];

    /// <summary>Contributions that are not in memory; always none for an entity.</summary>
    internal ContributionNeeds Contributions { get; } = new();

    internal bool Any => Keys.Count > 0 || Contributions.Any;
}
