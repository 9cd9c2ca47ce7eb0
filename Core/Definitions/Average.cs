using ActorStreams.Json;

namespace ActorStreams.Definitions;

/// <summary>An average that can be taken back: it keeps the sum and the number, and both follow every change exactly.</summary>
/// <param name="Sum">The sum of the values.</param>
/// <param name="Count">How many there are.</param>
public readonly record struct Average(decimal Sum, long Count)
{
    /// <summary>The average; null of nothing.</summary>
    public decimal? Value => Count == 0 ? null : Sum / Count;

    /// <summary>The average after a change of a source.</summary>
    /// <exception cref="OverflowException">The sum is beyond the range of a decimal, or would be rounded.</exception>
    public Average After<TSource>(in Change<TSource> change, Func<TSource, decimal> value)
        where TSource : class => new(ExactDecimal.Add(Sum, change.Sum(value)), checked(Count + change.Count));
}
