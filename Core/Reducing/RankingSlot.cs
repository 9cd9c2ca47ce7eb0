using ActorStreams.Formats;
using ActorStreams.States;

namespace ActorStreams.Reducing;

/// <summary>
/// The contributions of a ranking. In memory is a head: the first elements of all there are, without a gap. As long as it is not complete
/// there may be more behind its last element, in the store or among the pending ones.
/// </summary>
internal sealed class RankingSlot(int need, SlotOptions options, ContributionMemory memory) : ReductionSlot(memory, options.IsStored)
{
    private static readonly byte[] Present = [];
    private readonly SortedSet<byte[]> _head = new(ByteOrder.Instance);

    /// <summary>Elements that are kept between batches.</summary>
    private readonly int _keep = (2 * need) + options.SpareRanks;

    /// <summary>What the last replacement did, for taking it back.</summary>
    private readonly List<Step> _steps = [];
    private HeadStatus _status;

    /// <summary>
    /// Removals of this batch that are yet to come: the head must be long enough for them, since folding cannot query the store.
    /// </summary>
    private int _plannedRemovals;

    /// <summary>Those of them that take an element which is in the head now: only they can empty it.</summary>
    private int _plannedHeadRemovals;
    private long _headBytes;

    /// <summary>Unknown → Partial ⇄ Complete: what the head says of the elements behind it.</summary>
    private enum HeadStatus : byte
    {
        /// <summary>The head was not read yet.</summary>
        Unknown,

        /// <summary>There may be elements behind it.</summary>
        Partial,

        /// <summary>It is all there is.</summary>
        Complete,
    }

    internal override long KnownBytes => _headBytes;

    /// <summary>The first elements by their bytes.</summary>
    internal IEnumerable<byte[]> Head(int count) => _head.Take(count);

    internal override void BeginPlan() => (_plannedRemovals, _plannedHeadRemovals) = (0, 0);

    internal override void Plan(byte[]? before, byte[]? after)
    {
        if (before is null)
            return;
        _plannedRemovals++;
        if (_status == HeadStatus.Partial && _head.Contains(before))
            _plannedHeadRemovals++;
    }

    internal override void Ask(string key, int slot, bool storeIsEmpty, ContributionNeeds needs)
    {
        if (_status == HeadStatus.Unknown && storeIsEmpty)
            _status = HeadStatus.Complete;
        if (_status == HeadStatus.Unknown || (_status == HeadStatus.Partial && _head.Count - _plannedHeadRemovals < need))
            needs.Scans.Add(new(key, slot, (int)Math.Min(int.MaxValue, (long)need + _plannedRemovals + Gone + options.SpareRanks)));
    }

    /// <summary>Takes the first elements that the store has, at most <paramref name="limit"/>, under what is pending.</summary>
    internal void Supply(IReadOnlyList<StoredContribution> stored, int limit)
    {
        _head.Clear();
        _headBytes = 0;
        foreach (var contribution in stored)
            AddToHead(contribution.Id.Element.ToArray());
        _status = stored.Count < limit ? HeadStatus.Complete : HeadStatus.Partial;
        var last = _status == HeadStatus.Complete ? null : _head.Max;
        foreach (var layer in new[] { Writing, Pending })
        {
            foreach (var (element, value) in layer ?? [])
            {
                if (value is null)
                    RemoveFromHead(element);
                else if (last is null || ByteOrder.Instance.Compare(element, last) < 0)
                    AddToHead(element);
            }
        }
    }

    internal override void Add(byte[] element)
    {
        _steps.Add(new(element, Fits(element) && AddToHead(element) ? HeadStep.Added : HeadStep.None, Noted(element)));
        Note(element, Present);
        if (options.IsStored && _head.Count > _keep + (long)_plannedRemovals)
            Cut();
    }

    internal override void Remove(byte[] element)
    {
        _plannedRemovals = Math.Max(0, _plannedRemovals - 1);
        _steps.Add(new(element, RemoveFromHead(element) ? HeadStep.Removed : HeadStep.None, Noted(element)));
        Note(element, null);
    }

    internal override void Undo(byte[]? before, byte[]? after)
    {
        _plannedRemovals += before is null ? 0 : 1;
        for (var i = _steps.Count - 1; i >= 0; i--)
        {
            var (element, step, (noted, value)) = _steps[i];
            if (step == HeadStep.Added)
                RemoveFromHead(element);
            // Beyond the last element there may be others that are not in memory: put back there, it would hide the gap.
            else if (step == HeadStep.Removed && Fits(element))
                AddToHead(element);
            if (noted)
                Note(element, value);
            else
                Forget(element);
        }

        _steps.Clear();
    }

    private protected override void BeginReplace() => _steps.Clear();

    private protected override void Shrink()
    {
        if (options.IsStored && _plannedRemovals == 0 && _head.Count > _keep)
            Cut();
    }

    /// <summary>Leaves one element more than the rest of the batch can take away, so that the last one may be taken back as well.</summary>
    private void Cut()
    {
        while (_head.Count > Math.Max(need + _plannedRemovals + 1, _keep))
            RemoveFromHead(_head.Max!);
        _status = HeadStatus.Partial;
    }

    private bool Fits(byte[] element) =>
        _status == HeadStatus.Complete || (_head.Count > 0 && ByteOrder.Instance.Compare(element, _head.Max) <= 0);

    private bool AddToHead(byte[] element)
    {
        if (!_head.Add(element))
            return false;
        _headBytes += element.Length + Overhead;
        return true;
    }

    private bool RemoveFromHead(byte[] element)
    {
        if (!_head.Remove(element))
            return false;
        _headBytes -= element.Length + Overhead;
        return true;
    }

    private (bool Noted, byte[]? Value) Noted(byte[] element) => (Pending.TryGetValue(element, out var value), value);

    private enum HeadStep : byte
    {
        None,
        Added,
        Removed,
    }

    private readonly record struct Step(byte[] Element, HeadStep Head, (bool Noted, byte[]? Value) Pending);
}
