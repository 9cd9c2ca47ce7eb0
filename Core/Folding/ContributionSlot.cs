using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>
/// The contributions of one reduction to one view key. The store holds them all, each under its own address; in memory is what the fold needs
/// next, and what the store does not have yet. Before a batch is folded it is planned, so that folding itself never has to wait for the store.
/// </summary>
internal abstract class ContributionSlot(int window)
{
    private protected int Window { get; } = window;

    /// <summary>Changes since the last checkpoint began, and those of the checkpoint under way: they lie over what the store has.</summary>
    private protected SortedDictionary<byte[], byte[]?> Pending { get; private set; } = new(ByteOrder.Instance);

    private protected SortedDictionary<byte[], byte[]?>? Writing { get; private set; }

    /// <summary>The first elements by their bytes, for a ranking.</summary>
    internal abstract IEnumerable<byte[]> Head(int count);

    /// <summary>The number of different elements, for a distinct count.</summary>
    internal abstract long Distinct { get; }

    /// <summary>Says that a step of the batch will replace one element with another.</summary>
    internal abstract void Plan(byte[]? before, byte[]? after);

    /// <summary>Asks for what the planned steps need beyond what is in memory, and forgets the plan.</summary>
    internal abstract void Ask(string key, int slot, bool storeIsEmpty, FoldNeeds needs);

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
        if (Window != FoldOptions.Unbounded)
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

/// <summary>Byte strings in the order of their bytes, as the store has them.</summary>
internal sealed class ByteOrder : IComparer<byte[]>, IEqualityComparer<byte[]>
{
    internal static ByteOrder Instance { get; } = new();

    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] obj)
    {
        var hash = default(HashCode);
        hash.AddBytes(obj);
        return hash.ToHashCode();
    }
}

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
