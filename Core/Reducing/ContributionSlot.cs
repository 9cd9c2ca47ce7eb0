using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Reducing;

/// <summary>
/// The contributions of one reduction to one view key. The store holds them all, each under its own address; in memory is what
/// the fold needs next, and what the store does not have yet. Before a batch is folded it is planned, so that folding itself
/// never has to wait for the store.
/// </summary>
internal abstract class ContributionSlot(int window)
{
    /// <summary>The window of a fold without a store: everything stays in memory.</summary>
    internal const int Unbounded = int.MaxValue;

    private protected int Window { get; } = window;

    /// <summary>Changes since the last checkpoint began, and those of the checkpoint under way: they lie over what the store has.</summary>
    private protected SortedDictionary<byte[], byte[]?> Pending { get; private set; } = new(ByteOrder.Instance);

    private protected SortedDictionary<byte[], byte[]?>? Writing { get; private set; }

    /// <summary>Says that a step of the batch will replace one element with another.</summary>
    internal abstract void Plan(byte[]? before, byte[]? after);

    /// <summary>Asks for what the planned steps need beyond what is in memory, and forgets the plan.</summary>
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
    internal abstract void Undo(byte[]? before, byte[]? after);

    private protected virtual void BeginReplace()
    {
    }

    /// <summary>Remembers a change for the next checkpoint, unless there is no store to write it to.</summary>
    private protected void Note(byte[] element, byte[]? value)
    {
        if (Window != Unbounded)
            Pending[element] = value;
    }

    /// <summary>Hands what changed to a checkpoint.</summary>
    internal void BeginCheckpoint(string key, int slot, List<StoredContribution> upserts, List<ContributionId> deletes)
    {
        foreach (var (element, value) in Pending)
        {
            var id = new ContributionId(key, slot, element);
            if (value is null)
                deletes.Add(id);
            else
                upserts.Add(new(id, value));
        }

        Writing = Pending;
        Pending = new(ByteOrder.Instance);
    }

    internal virtual void CheckpointWritten() => Writing = null;
}
