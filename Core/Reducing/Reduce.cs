namespace ActorStreams.Reducing;

/// <summary>
/// Makes the reductions a view needs beyond what <c>change.Count</c> and <c>change.Sum</c> give. Keep each in a static readonly field.
/// </summary>
public static class Reduce
{
    /// <summary>The most contributions a ranking may ask for.</summary>
    public const int MaxRanks = 1_000;

    /// <summary>The source with the largest value; of equals the one with the smallest key.</summary>
    /// <param name="value">The value: int, long, decimal, double, string (by its UTF-8 bytes) or DateTimeOffset.</param>
    /// <param name="where">Which sources take part; all, when left out.</param>
    public static Ranking<TSource, TValue> Max<TSource, TValue>(Func<TSource, TValue> value, Func<TSource, bool>? where = null)
        where TSource : class
        where TValue : notnull => new(1, descending: true, value, where);

    /// <summary>The source with the smallest value; of equals the one with the smallest key.</summary>
    /// <inheritdoc cref="Max"/>
    public static Ranking<TSource, TValue> Min<TSource, TValue>(Func<TSource, TValue> value, Func<TSource, bool>? where = null)
        where TSource : class
        where TValue : notnull => new(1, descending: false, value, where);

    /// <summary>The <paramref name="count"/> sources with the largest values, largest first; equals by key.</summary>
    /// <inheritdoc cref="Max"/>
    /// <exception cref="ArgumentOutOfRangeException">The count is not between 1 and <see cref="MaxRanks"/>.</exception>
    public static Ranking<TSource, TValue> Top<TSource, TValue>(int count, Func<TSource, TValue> value, Func<TSource, bool>? where = null)
        where TSource : class
        where TValue : notnull => new(Checked(count), descending: true, value, where);

    /// <summary>The <paramref name="count"/> sources with the smallest values, smallest first; equals by key.</summary>
    /// <inheritdoc cref="Top"/>
    public static Ranking<TSource, TValue> Bottom<TSource, TValue>(
        int count, Func<TSource, TValue> value, Func<TSource, bool>? where = null)
        where TSource : class
        where TValue : notnull => new(Checked(count), descending: false, value, where);

    /// <summary>How many different values the sources have.</summary>
    /// <inheritdoc cref="Max"/>
    public static DistinctCount<TSource, TValue> Distinct<TSource, TValue>(Func<TSource, TValue> value, Func<TSource, bool>? where = null)
        where TSource : class
        where TValue : notnull => new(value, where);

    private static int Checked(int count) => count is >= 1 and <= MaxRanks
        ? count
        : throw new ArgumentOutOfRangeException(nameof(count), $"A ranking keeps between 1 and {MaxRanks} sources, not {count}.");
}
