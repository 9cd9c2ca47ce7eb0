using System.Text;
using ActorStreams.Formats;
using ActorStreams.Reducing;
using ActorStreams.States;

namespace ActorStreams.Folding.Entries;

/// <summary>
/// The sources of one view key whose present state the view's state does not hold, since folding it failed. Each is a contribution of a
/// slot of its own. Its element is the number of the source among the view's, a byte, and the source's key; its value is the source state
/// that the view's state still holds, where taking that back failed as well, and otherwise empty. So a side that cannot be folded is one
/// that is not there, before and after alike: 10 → 13 (fails) → 20 gives 20. Such a source contributes nothing to reductions.
/// </summary>
/// <remarks>
/// A partition counts all of them in its checkpoint (<see cref="Frames.Marks"/>): as long as there are none, none is looked for.
/// </remarks>
internal sealed class FailedMembers(SlotOptions options, ContributionMemory memory) : ContributionSlot(memory, options.IsStored)
{
    /// <summary>The slot of these contributions; reductions have those from 0.</summary>
    internal const int Slot = -1;

    /// <summary>What is known of a member: the value of its contribution, or null when it has not failed.</summary>
    private Dictionary<byte[], byte[]?> _known = new(ByteOrder.Instance);
    private long _knownBytes;

    /// <summary>Members that were known have left memory, so that the store may know of one that is not.</summary>
    private bool _shrunk;

    internal override long KnownBytes => _knownBytes;

    internal static byte[] ElementOf(int source, string key)
    {
        var element = new byte[1 + Encoding.UTF8.GetByteCount(key)];
        element[0] = (byte)source;
        Encoding.UTF8.GetBytes(key, element.AsSpan(1));
        return element;
    }

    /// <summary>Adds a member to the needs when the store may know of it.</summary>
    internal void Ask(string key, byte[] element, bool storeIsEmpty, ContributionNeeds needs)
    {
        if (_known.ContainsKey(element))
            return;
        Know(element, null);
        if (!storeIsEmpty || _shrunk)
            needs.Rows.Add(new(key, Slot, element));
    }

    internal void Supply(StoredContribution stored) => Know(stored.Id.Element.ToArray(), stored.Value.ToArray());

    /// <summary>Whether a member has failed, and which of its states the view's state still holds; empty for none.</summary>
    internal bool Has(byte[] element, out byte[] held)
    {
        var failed = _known.GetValueOrDefault(element);
        held = failed ?? [];
        return failed is not null;
    }

    /// <summary>Marks a member as failed; true when it was not before.</summary>
    internal bool Mark(byte[] element, byte[] held)
    {
        var isNew = !Has(element, out _);
        Know(element, held);
        Note(element, held);
        return isNew;
    }

    internal void Unmark(byte[] element)
    {
        Know(element, null);
        Note(element, null);
    }

    private protected override void Shrink()
    {
        if (_known.Count <= options.KnownElements)
            return;
        var all = _known;
        (_known, _knownBytes, _shrunk) = (new(ByteOrder.Instance), 0, true);
        foreach (var element in Pending.Keys)
            Know(element, all[element]);
    }

    private void Know(byte[] element, byte[]? held)
    {
        _knownBytes += (held?.Length ?? 0) - (_known.TryGetValue(element, out var known) ? known?.Length ?? 0 : -element.Length - Overhead);
        _known[element] = held;
    }
}
