namespace ActorStreams.Reducing;

/// <summary>The values of a view key's reductions, as a fold asks for them.</summary>
public readonly struct Reduced<TSource>
    where TSource : class
{
    private readonly Reduction<TSource>[] _reductions;
    private readonly ArraySegment<ReductionSlot> _slots;

    internal Reduced(Reduction<TSource>[] reductions, ArraySegment<ReductionSlot> slots) => (_reductions, _slots) = (reductions, slots);

    /// <summary>The first place of a ranking; null when no source takes part.</summary>
    /// <exception cref="InvalidOperationException">The reduction is not among the view's <c>Reductions</c>.</exception>
    public Ranked<TValue>? First<TValue>(Ranking<TSource, TValue> ranking)
        where TValue : notnull
    {
        foreach (var element in Slot<RankingSlot>(ranking).Head(1))
            return ranking.Decode(element);
        return null;
    }

    /// <summary>All places of a ranking, the first one first.</summary>
    /// <inheritdoc cref="First"/>
    public IReadOnlyList<Ranked<TValue>> All<TValue>(Ranking<TSource, TValue> ranking)
        where TValue : notnull
    {
        var places = new List<Ranked<TValue>>();
        foreach (var element in Slot<RankingSlot>(ranking).Head(ranking.Head))
            places.Add(ranking.Decode(element));
        return places;
    }

    /// <summary>How many different values there are.</summary>
    /// <inheritdoc cref="First"/>
    public long Count<TValue>(DistinctCount<TSource, TValue> distinct)
        where TValue : notnull => Slot<DistinctSlot>(distinct).Distinct;

    private TSlot Slot<TSlot>(Reduction<TSource> reduction)
        where TSlot : ReductionSlot
    {
        var slot = Array.IndexOf(_reductions, reduction);
        return slot >= 0 ? (TSlot)_slots[slot] : throw new InvalidOperationException(
            $"A fold over {typeof(TSource).Name} asks for a reduction that its view does not declare. "
            + "Keep the reduction in a static readonly field and list it in Reductions.");
    }
}
