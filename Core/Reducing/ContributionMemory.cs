namespace ActorStreams.Reducing;

/// <summary>What the contributions of a partition hold in memory, in bytes.</summary>
internal sealed class ContributionMemory
{
    /// <summary>Of contributions that the store does not have as they are here.</summary>
    internal long Unstored { get; set; }
}
