using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Reducing;

/// <summary>
/// The contributions of a ranking. In memory is a head: the first elements of all there are, without a gap. As long as it is not complete
/// there may be more behind its last element, in the store or among the pending ones.
/// </summary>
internal sealed class RankingSlot(int need, int window) : ContributionSlot(Math.Max(window, 2 * need))
{
    private static readonly byte[] Present = [];
    private readonly SortedSet<byte[]> _head = new(ByteOrder.Instance);
    /// <summary>What the last replacement did, for taking it back.</summary>
    private readonly List<Step> _steps = [];
    private bool _complete;
    /// <summary>Removals of this batch that are yet to come: the head must outlast them, since folding cannot ask the store.</summary>
    private int _plannedRemovals;
    private bool _loaded;

    /// <summary>The first elements by their bytes.</summary>
    internal IEnumerable<byte[]> Head(int count) => _head.Take(count);

    internal override void Plan(byte[]? before, byte[]? after)
    {
        if (before is not null)
            _plannedRemovals++;
    }

    internal override void Ask(string key, int slot, bool storeIsEmpty, ContributionNeeds needs)
    {
        if (!_loaded && storeIsEmpty)
            (_loaded, _complete) = (true, true);
        if (!_loaded || (!_complete && _head.Count - _plannedRemovals < need))
        {
            var gone = Pending.Count(p => p.Value is null) + (Writing?.Count(p => p.Value is null) ?? 0);
            needs.Scans.Add(new(key, slot, (int)Math.Min(int.MaxValue, (long)need + _plannedRemovals + gone + (Window / 2))));
        }
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
        _steps.Add(new(element, Fits(element) && _head.Add(element) ? HeadStep.Added : HeadStep.None, Noted(element)));
        Note(element, Present);
        if (_head.Count <= Window + (long)_plannedRemovals)
            return;
        // One more than the rest of the batch can take away, so that this element may be taken back as well.
        while (_head.Count > Math.Max(need + _plannedRemovals + 1, Window / 2))
            _head.Remove(_head.Max!);
        _complete = false;
    }

    internal override void Remove(byte[] element)
    {
        _plannedRemovals--;
        _steps.Add(new(element, _head.Remove(element) ? HeadStep.Removed : HeadStep.None, Noted(element)));
        Note(element, null);
    }

    internal override void Undo(byte[]? before, byte[]? after)
    {
        for (var i = _steps.Count - 1; i >= 0; i--)
        {
            var (element, step, (noted, value)) = _steps[i];
            if (step == HeadStep.Added)
                _head.Remove(element);
            // Beyond the last element there may be others that are not in memory: put back there, it would hide the gap.
            else if (step == HeadStep.Removed && Fits(element))
                _head.Add(element);
            if (noted)
                Pending[element] = value;
            else
                Pending.Remove(element);
        }

        _steps.Clear();
    }

    private protected override void BeginReplace() => _steps.Clear();

    private bool Fits(byte[] element) => _complete || (_head.Count > 0 && ByteOrder.Instance.Compare(element, _head.Max) <= 0);

    private (bool Noted, byte[]? Value) Noted(byte[] element) => (Pending.TryGetValue(element, out var value), value);

    private enum HeadStep : byte
    {
        None,
        Added,
        Removed,
    }

    private readonly record struct Step(byte[] Element, HeadStep Head, (bool Noted, byte[]? Value) Pending);
}
