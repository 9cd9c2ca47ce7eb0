using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Reducing;

/// <summary>
/// The contributions of one slot of one view key. The store holds them all, each under its own address; in memory is what the fold needs
/// next, and what the store does not have yet.
/// </summary>
internal abstract class ContributionSlot(ContributionMemory memory, bool isStored)
{
    /// <summary>What an element takes in memory beside its bytes, about.</summary>
    private protected const int Overhead = 64;

    private long _pendingBytes;
    private long _writingBytes;

    /// <summary>
    /// Changes since the last checkpoint began: they lie over what the store has. Null is a contribution that no longer exists.
    /// </summary>
    private protected Dictionary<byte[], byte[]?> Pending { get; private set; } = new(ByteOrder.Instance);

    /// <summary>Changes of the checkpoint that is under way: they lie between the store and <see cref="Pending"/>.</summary>
    private protected Dictionary<byte[], byte[]?>? Writing { get; private set; }

    /// <summary>Contributions that the store may have and that no longer exist.</summary>
    private protected int Gone { get; private set; }

    /// <summary>What is in memory and also in the store, in bytes, about.</summary>
    internal abstract long KnownBytes { get; }

    /// <summary>Hands what changed to a checkpoint.</summary>
    internal void BeginCheckpoint(string key, int slot, List<StoredContribution> upserts, List<ContributionId> deletes)
    {
        foreach (var (element, value) in Pending.OrderBy(pair => pair.Key, ByteOrder.Instance))
        {
            var id = new ContributionId(key, slot, element);
            if (value is null)
                deletes.Add(id);
            else
                upserts.Add(new(id, value));
        }

        (Writing, Pending) = (Pending, new(ByteOrder.Instance));
        (_writingBytes, _pendingBytes) = (_pendingBytes, 0);
    }

    internal void CheckpointWritten()
    {
        memory.Unstored -= _writingBytes;
        (Writing, _writingBytes) = (null, 0);
        Gone = Pending.Count(pair => pair.Value is null);
        Shrink();
    }

    /// <summary>Lets go of what the store has, beyond what is worth keeping.</summary>
    private protected abstract void Shrink();

    /// <summary>Remembers a change for the next checkpoint, unless there is no store to write it to.</summary>
    private protected void Note(byte[] element, byte[]? value)
    {
        if (!isStored)
            return;
        Forget(element);
        Pending.Add(element, value);
        Gone += value is null ? 1 : 0;
        Count(BytesOf(element, value));
    }

    /// <summary>Takes a change back that the next checkpoint was to write.</summary>
    private protected void Forget(byte[] element)
    {
        if (!Pending.Remove(element, out var value))
            return;
        Gone -= value is null ? 1 : 0;
        Count(-BytesOf(element, value));
    }

    private static long BytesOf(byte[] element, byte[]? value) => element.Length + (value?.Length ?? 0) + Overhead;

    private void Count(long bytes)
    {
        _pendingBytes += bytes;
        memory.Unstored += bytes;
    }
}
