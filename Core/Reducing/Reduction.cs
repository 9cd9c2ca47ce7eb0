using ActorStreams.Formats;

namespace ActorStreams.Reducing;

/// <summary>
/// How the contributions of a view key's sources reduce to one value. Contributions of one reduction are elements of an ordered set; an
/// element is the contributed value in an order-keeping encoding (<see cref="OrderedCodec{T}"/>), followed for
/// a ranking by the source's key.
/// </summary>
public abstract class Reduction
{
    private protected Reduction()
    {
    }

    /// <summary>The state of this reduction for one view key.</summary>
    internal abstract ReductionSlot CreateSlot(SlotOptions options, ContributionMemory memory);
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
