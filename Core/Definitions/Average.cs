namespace ActorStreams.Definitions;

/// <summary>An average that can be taken back: it keeps the sum and the number, and both follow every change exactly.</summary>
/// <param name="Sum">The sum of the values.</param>
/// <param name="Count">How many there are.</param>
public readonly record struct Average(decimal Sum, long Count)
{
    /// <summary>The average; null of nothing.</summary>
    public decimal? Value => Count == 0 ? null : Sum / Count;

    /// <summary>The average after a change of a source.</summary>
    public Average After<TSource>(in Change<TSource> change, Func<TSource, decimal> value)
        where TSource : class => new(Sum + change.Sum(value), Count + change.Count);
}
