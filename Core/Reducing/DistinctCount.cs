using ActorStreams.Formats;

namespace ActorStreams.Reducing;

/// <summary>The number of different values; see <see cref="Reduce.Distinct"/>.</summary>
public sealed class DistinctCount<TSource, TValue> : Reduction<TSource>
    where TSource : class
    where TValue : notnull
{
    private readonly Func<TSource, TValue> _value;
    private readonly Func<TSource, bool>? _where;
    private readonly OrderedCodec<TValue> _codec = OrderedCodec<TValue>.Instance;

    internal DistinctCount(Func<TSource, TValue> value, Func<TSource, bool>? where) => (_value, _where) = (value, where);

    internal override ReductionSlot CreateSlot(SlotOptions options, ContributionMemory memory) => new DistinctSlot(options, memory);

    internal override byte[]? ElementOf(string key, TSource source) =>
        _where is not null && !_where(source) ? null : _codec.Encode(_value(source), descending: false);
}
