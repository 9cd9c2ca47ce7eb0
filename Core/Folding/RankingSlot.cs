using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>
/// The contributions of a ranking. In memory is a head: the first elements of all there are, without a gap. As long as it is not complete there
/// may be more behind its last element, in the store or among the pending ones.
/// </summary>
internal sealed class RankingSlot(int need, int window) : ContributionSlot(window)
{
    private static readonly byte[] Present = [];
    private readonly SortedSet<byte[]> _head = new(ByteOrder.Instance);
    private bool _complete;
    private int _plannedRemovals;
    private bool _loaded;

    internal override long Distinct => throw new InvalidOperationException("A ranking does not count.");

    internal override IEnumerable<byte[]> Head(int count) => _head.Take(count);

    internal override void Plan(byte[]? before, byte[]? after)
    {
        if (before is not null)
            _plannedRemovals++;
    }

    internal override void Ask(string key, int slot, bool storeIsEmpty, FoldNeeds needs)
    {
        if (!_loaded && storeIsEmpty)
            (_loaded, _complete) = (true, true);
        if (!_loaded || (!_complete && _head.Count - _plannedRemovals < need))
        {
            var gone = Pending.Count(p => p.Value is null) + (Writing?.Count(p => p.Value is null) ?? 0);
            needs.Scans.Add(new(key, slot, (int)Math.Min(int.MaxValue, (long)need + _plannedRemovals + gone + (Window / 2))));
        }

        _plannedRemovals = 0;
    }

    /// <summary>Takes the first elements that the store has, at most <paramref name="limit"/>, under what is pending.</summary>
    internal void Supply(IReadOnlyList<StoredContribution> stored, int limit)
    {
        _head.Clear();
        foreach (var contribution in stored)
            _head.Add(contribution.Id.Element.ToArray());
        (_loaded, _complete) = (true, stored.Count < limit);
        var last = _complete ? null : _head.Max;
        foreach (var layer in new[] { Writing, Pending })
        {
            foreach (var (element, value) in layer ?? [])
            {
                if (value is null)
                    _head.Remove(element);
                else if (last is null || ByteOrder.Instance.Compare(element, last) < 0)
                    _head.Add(element);
            }
        }
    }

    internal override void Add(byte[] element)
    {
        Note(element, Present);
        if (!_complete && (_head.Count == 0 || ByteOrder.Instance.Compare(element, _head.Max) > 0))
            return;
        _head.Add(element);
        if (_head.Count <= Window)
            return;
        while (_head.Count > Math.Max(need, Window / 2))
            _head.Remove(_head.Max!);
        _complete = false;
    }

    internal override void Remove(byte[] element)
    {
        Note(element, null);
        _head.Remove(element);
    }
}
