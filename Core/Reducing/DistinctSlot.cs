using System.Buffers.Binary;
using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Reducing;

/// <summary>
/// The contributions of a distinct count: for each element how many sources have it, and under the empty element how many different ones
/// there are. Elements are asked for one by one; the others rest in the store.
/// </summary>
internal sealed class DistinctSlot(int window) : ContributionSlot(window)
{
    private static readonly byte[] Total = [];
    private readonly Dictionary<byte[], long> _known = new(ByteOrder.Instance);
    private readonly HashSet<byte[]> _planned = new(ByteOrder.Instance);
    private bool _cleared;

    /// <summary>The number of different elements.</summary>
    internal long Distinct => _known.GetValueOrDefault(Total);

    internal override void Plan(byte[]? before, byte[]? after)
    {
        _planned.Add(Total);
        if (before is not null)
            _planned.Add(before);
        if (after is not null)
            _planned.Add(after);
    }

    internal override void Ask(string key, int slot, bool storeIsEmpty, ContributionNeeds needs)
    {
        foreach (var element in _planned)
        {
            // What the store does not have counts zero, so that is what an element begins with.
            if (_known.TryAdd(element, 0) && !(storeIsEmpty && !_cleared))
                needs.Counts.Add(new(key, slot, element));
        }

        _planned.Clear();
    }

    internal void Supply(StoredContribution stored) =>
        _known[stored.Id.Element.ToArray()] = BinaryPrimitives.ReadInt64LittleEndian(stored.Value.Span);

    internal override void Add(byte[] element) => Count(element, +1, becomesDistinctAt: 1, +1);

    internal override void Remove(byte[] element) => Count(element, -1, becomesDistinctAt: 0, -1);

    /// <summary>A count goes down and up by the same steps, so the opposite takes it back.</summary>
    internal override void Undo(byte[]? before, byte[]? after) => Replace(after, before);

    internal override void CheckpointWritten()
    {
        base.CheckpointWritten();
        if (_known.Count <= Window || Pending.Count > 0)
            return;
        _known.Clear();
        _cleared = true;
    }

    /// <summary>
    /// A count may pass below zero, where a source that was set aside is taken back; it returns when that source is folded after all.
    /// </summary>
    private void Count(byte[] element, int step, long becomesDistinctAt, int distinctStep)
    {
        var count = Put(element, _known.GetValueOrDefault(element) + step);
        if (count == becomesDistinctAt)
            Put(Total, Distinct + distinctStep);
    }

    private long Put(byte[] element, long count)
    {
        _known[element] = count;
        byte[]? value = null;
        if (count != 0)
            BinaryPrimitives.WriteInt64LittleEndian(value = new byte[sizeof(long)], count);
        Note(element, value);
        return count;
    }
}
