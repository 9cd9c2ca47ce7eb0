using System.Text;
using ActorStreams.Formats;

namespace ActorStreams.Reducing;

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

    internal int Head => _count;

    internal override ReductionSlot CreateSlot(SlotOptions options, ContributionMemory memory) => new RankingSlot(_count, options, memory);

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
