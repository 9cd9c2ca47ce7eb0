using System.Buffers.Binary;
using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Reducing;

/// <summary>
/// The contributions of a distinct count: for each element how many sources have it, and under the empty element how many different ones
/// there are. Elements are loaded one by one; the others stay in the store.
/// </summary>
internal sealed class DistinctSlot(SlotOptions options, ContributionMemory memory) : ReductionSlot(memory, options.IsStored)
{
    private static readonly byte[] Total = [];
    private readonly HashSet<byte[]> _planned = new(ByteOrder.Instance);
    private Dictionary<byte[], long> _known = new(ByteOrder.Instance);
    private long _knownBytes;

    /// <summary>Elements that were known have left memory, so that one that is not known may be in the store.</summary>
    private bool _shrunk;

    /// <summary>The number of different elements.</summary>
    internal long Distinct => _known.GetValueOrDefault(Total);

    internal override long KnownBytes => _knownBytes;

    internal override void BeginPlan() => _planned.Clear();

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
            if (_known.ContainsKey(element))
                continue;
            // What the store does not have counts zero, so that is what an element begins with.
            Know(element, 0);
            if (!storeIsEmpty || _shrunk)
                needs.Rows.Add(new(key, slot, element));
        }

        _planned.Clear();
    }

    internal void Supply(StoredContribution stored) =>
        Know(stored.Id.Element.ToArray(), BinaryPrimitives.ReadInt64LittleEndian(stored.Value.Span));

    internal override void Add(byte[] element) => Count(element, +1, becomesDistinctAt: 1, +1);

    internal override void Remove(byte[] element) => Count(element, -1, becomesDistinctAt: 0, -1);

    /// <summary>A count goes down and up by the same steps, so the opposite takes it back.</summary>
    internal override void Undo(byte[]? before, byte[]? after) => Replace(after, before);

    /// <summary>Under load some elements are always pending: those stay, and the others leave.</summary>
    private protected override void Shrink()
    {
        if (_known.Count <= options.KnownElements)
            return;
        var all = _known;
        (_known, _knownBytes, _shrunk) = (new(ByteOrder.Instance), 0, true);
        foreach (var element in Pending.Keys)
            Know(element, all[element]);
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
        Know(element, count);
        byte[]? value = null;
        if (count != 0)
            BinaryPrimitives.WriteInt64LittleEndian(value = new byte[sizeof(long)], count);
        Note(element, value);
        return count;
    }

    private void Know(byte[] element, long count)
    {
        var known = _known.Count;
        _known[element] = count;
        if (_known.Count > known)
            _knownBytes += element.Length + Overhead;
    }
}
