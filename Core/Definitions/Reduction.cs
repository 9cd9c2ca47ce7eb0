using System.Text;

namespace ActorStreams.Definitions;

/// <summary>
/// How the contributions of a view key's sources reduce to one value. Contributions of one reduction are elements of an ordered set; an
/// element is the contributed value in an order-keeping encoding (<see cref="OrderedCodec{T}"/>), followed for a ranking by the source's key.
/// </summary>
public abstract class Reduction
{
    private protected Reduction()
    {
    }

    /// <summary>How many elements from the first on the value needs; 0 when it needs only the number of different elements.</summary>
    internal abstract int Head { get; }
}

/// <summary>A reduction over the states of one source; made by <see cref="Reduce"/>.</summary>
public abstract class Reduction<TSource> : Reduction
    where TSource : class
{
    private protected Reduction()
    {
    }

    internal abstract byte[]? ElementOf(string key, TSource source);
}

/// <summary>Makes the reductions a view needs beyond what <see cref="Change{TSource}.Count"/> and <c>Sum</c> give. Keep each in a static readonly field.</summary>
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
    public static Ranking<TSource, TValue> Bottom<TSource, TValue>(int count, Func<TSource, TValue> value, Func<TSource, bool>? where = null)
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

/// <summary>One place of a ranking.</summary>
/// <param name="Key">The source's key.</param>
/// <param name="Value">The value it is ranked by.</param>
public readonly record struct Ranked<TValue>(string Key, TValue Value);

/// <summary>The first sources by a value; see <see cref="Reduce"/>.</summary>
public sealed class Ranking<TSource, TValue> : Reduction<TSource>
    where TSource : class
    where TValue : notnull
{
    private readonly int _count;
    private readonly bool _descending;
    private readonly Func<TSource, TValue> _value;
    private readonly Func<TSource, bool>? _where;
    private readonly OrderedCodec<TValue> _codec = OrderedCodec<TValue>.Instance;

    internal Ranking(int count, bool descending, Func<TSource, TValue> value, Func<TSource, bool>? where) =>
        (_count, _descending, _value, _where) = (count, descending, value, where);

    internal override int Head => _count;

    internal override byte[]? ElementOf(string key, TSource source)
    {
        if (_where is not null && !_where(source))
            return null;
        var value = _codec.Encode(_value(source), _descending);
        var element = new byte[value.Length + Encoding.UTF8.GetByteCount(key)];
        value.CopyTo(element, 0);
        Encoding.UTF8.GetBytes(key, element.AsSpan(value.Length));
        return element;
    }

    internal Ranked<TValue> Decode(byte[] element)
    {
        var value = _codec.Decode(element, _descending, out var length);
        return new(Encoding.UTF8.GetString(element.AsSpan(length)), value);
    }
}

/// <summary>The number of different values; see <see cref="Reduce.Distinct"/>.</summary>
public sealed class DistinctCount<TSource, TValue> : Reduction<TSource>
    where TSource : class
    where TValue : notnull
{
    private readonly Func<TSource, TValue> _value;
    private readonly Func<TSource, bool>? _where;
    private readonly OrderedCodec<TValue> _codec = OrderedCodec<TValue>.Instance;

    internal DistinctCount(Func<TSource, TValue> value, Func<TSource, bool>? where) => (_value, _where) = (value, where);

    internal override int Head => 0;

    internal override byte[]? ElementOf(string key, TSource source) =>
        _where is not null && !_where(source) ? null : _codec.Encode(_value(source), descending: false);
}
