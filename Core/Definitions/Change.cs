using System.Numerics;
using System.Runtime.CompilerServices;
using ActorStreams.Json;
using ActorStreams.Lineage;

namespace ActorStreams.Definitions;

/// <summary>
/// One step of one source state as a view receives it. Nothing before: the source has come to concern this view key. Nothing after: it no
/// longer does. Both: it stayed and is now different (semantics §3).
/// </summary>
/// <typeparam name="TSource">The source's state.</typeparam>
public readonly struct Change<TSource>
    where TSource : class
{
    /// <summary>The source's key (not the view's).</summary>
    public required string Key { get; init; }

    /// <summary>The source's state before; null when it did not concern this view key.</summary>
    public required TSource? Before { get; init; }

    /// <summary>The source's state after; null when it no longer concerns this view key.</summary>
    public required TSource? After { get; init; }

    /// <summary>What made this change.</summary>
    public Cause Cause { get; init; }

    /// <summary>The timestamp of the root record behind this change.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>+1 when the source entered, -1 when it left, 0 when it stayed: summed up, the number of sources.</summary>
    public int Count => (After is null ? 0 : 1) - (Before is null ? 0 : 1);

    /// <summary>What this change adds to a sum over the sources: the value after minus the value before.</summary>
    /// <remarks>
    /// Whole numbers are exact within the range of their type, decimals as long as the difference has at most 28 digits, and
    /// <see cref="BigInteger"/> always. Your own <c>+</c> must be as exact:
    /// one of decimals that rounds loses digits without an error, so a view finds it by taking the change back, and the change is a dead
    /// letter.
    /// </remarks>
    /// <exception cref="OverflowException">The difference is beyond the range of its type, or a decimal that would be rounded.</exception>
    public int Sum(Func<TSource, int> value) => checked((After is null ? 0 : value(After)) - (Before is null ? 0 : value(Before)));

    /// <inheritdoc cref="Sum(Func{TSource, int})"/>
    public long Sum(Func<TSource, long> value) => checked((After is null ? 0 : value(After)) - (Before is null ? 0 : value(Before)));

    /// <inheritdoc cref="Sum(Func{TSource, int})"/>
    public decimal Sum(Func<TSource, decimal> value) =>
        ExactDecimal.Add(After is null ? 0 : value(After), Before is null ? 0 : -value(Before));

    /// <inheritdoc cref="Sum(Func{TSource, int})"/>
    [OverloadResolutionPriority(-1)]
    public BigInteger Sum(Func<TSource, BigInteger> value) => (After is null ? 0 : value(After)) - (Before is null ? 0 : value(Before));
}
