namespace ActorStreams.Reducing;

/// <summary>The values of a view key's reductions, as a fold asks for them.</summary>
public readonly struct Reduced<TSource>
    where TSource : class
{
    private readonly Reduction<TSource>[] _reductions;
    private readonly IReductionValues? _values;

    internal Reduced(Reduction<TSource>[] reductions, IReductionValues? values) => (_reductions, _values) = (reductions, values);

    /// <summary>The first place of a ranking; null when no source takes part.</summary>
    /// <exception cref="InvalidOperationException">The reduction is not among the view's <c>Reductions</c>.</exception>
    public Ranked<TValue>? First<TValue>(Ranking<TSource, TValue> ranking)
        where TValue : notnull
    {
        foreach (var element in _values!.Head(SlotOf(ranking), 1))
            return ranking.Decode(element);
        return null;
    }

    /// <summary>All places of a ranking, the first one first.</summary>
    /// <inheritdoc cref="First"/>
    public IReadOnlyList<Ranked<TValue>> All<TValue>(Ranking<TSource, TValue> ranking)
        where TValue : notnull
    {
        var places = new List<Ranked<TValue>>();
        foreach (var element in _values!.Head(SlotOf(ranking), ranking.Head))
            places.Add(ranking.Decode(element));
        return places;
    }

    /// <summary>How many different values there are.</summary>
    /// <inheritdoc cref="First"/>
    public long Count<TValue>(DistinctCount<TSource, TValue> distinct)
        where TValue : notnull => _values!.Count(SlotOf(distinct));

    private int SlotOf(Reduction<TSource> reduction)
    {
        var slot = Array.IndexOf(_reductions, reduction);
        return slot >= 0 ? slot : throw new InvalidOperationException(
            $"A fold over {typeof(TSource).Name} asks for a reduction that its view does not declare. Keep the reduction in a static readonly field and list it in Reductions.");
    }
}

/// <summary>Where the values of one source's reductions come from.</summary>
internal interface IReductionValues
{
    /// <summary>The first elements of a slot, by their bytes.</summary>
    IEnumerable<byte[]> Head(int slot, int count);

    /// <summary>The number of different elements of a slot.</summary>
    long Count(int slot);
}
