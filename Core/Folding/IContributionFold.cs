using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>
/// The port of a fold that keeps contributions beside its states: takes what <see cref="FoldNeeds.Contributions"/> asked for.
/// </summary>
internal interface IContributionFold
{
    /// <summary>Takes what the store has of a scan.</summary>
    void SupplyScan(ContributionScan scan, IReadOnlyList<StoredContribution> contributions);

    /// <summary>Takes the contributions that the store has of those asked for by address.</summary>
    void SupplyRows(IReadOnlyList<StoredContribution> contributions);
}
