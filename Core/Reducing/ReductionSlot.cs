namespace ActorStreams.Reducing;

/// <summary>
/// The contributions of one reduction to one view key. Before a batch is folded it is planned, so that folding itself never has to wait
/// for the store.
/// </summary>
internal abstract class ReductionSlot(ContributionMemory memory, bool isStored) : ContributionSlot(memory, isStored)
{
    /// <summary>Begins the plan of a batch: what was left of the one before will not come any more.</summary>
    internal abstract void BeginPlan();

    /// <summary>Plans that a step of the batch replaces one element with another.</summary>
    internal abstract void Plan(byte[]? before, byte[]? after);

    /// <summary>Adds to the needs what the planned steps need beyond what is in memory, and forgets the plan.</summary>
    internal abstract void Ask(string key, int slot, bool storeIsEmpty, ContributionNeeds needs);

    internal abstract void Add(byte[] element);

    internal abstract void Remove(byte[] element);

    internal void Replace(byte[]? before, byte[]? after)
    {
        BeginReplace();
        if (before is not null)
            Remove(before);
        if (after is not null)
            Add(after);
    }

    /// <summary>Takes the last <see cref="Replace"/> back, as if it had never been.</summary>
    /// <remarks>The same removal may come once more in this batch.</remarks>
    internal abstract void Undo(byte[]? before, byte[]? after);

    private protected virtual void BeginReplace()
    {
    }
}
