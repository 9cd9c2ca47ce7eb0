using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Lineage;
using ActorStreams.Reducing;

namespace ActorStreams.Definitions;

/// <summary>Asks a view whose states a source's state concerns; lives in the source's partition.</summary>
internal abstract class Router<TSource>
    where TSource : class
{
    internal abstract IEnumerable<string> KeysOf(string key, TSource state);
}

/// <summary>
/// Folds the changes of one source into a view's states; lives in the view's partition. Source states are passed as objects, so that only
/// this class need know their type.
/// </summary>
internal abstract class SourceFold<TView>
    where TView : class
{
    /// <summary>The reductions of this source, in the order of their slots.</summary>
    internal abstract IReadOnlyList<Reduction> Reductions { get; }

    /// <summary>Reads a source state back from its stored form.</summary>
    internal abstract object Decode(ReadOnlySpan<byte> json);

    /// <summary>What a source state contributes to a slot: an element of its order; null for nothing.</summary>
    internal abstract byte[]? ElementOf(int slot, string sourceKey, object source);

    /// <summary>Applies the view's fold.</summary>
    internal abstract TView? Apply(TView? state, in SourceStep step, ArraySegment<ReductionSlot> slots);
}

/// <summary>One change of a source, untyped.</summary>
internal readonly record struct SourceStep(string Key, object? Before, object? After, Cause Cause, long Timestamp);

internal abstract class SourceFold<TView, TSource>(JsonSerializerOptions json, Reduction<TSource>[]? reductions = null) : SourceFold<TView>
    where TView : class
    where TSource : class
{
    private readonly JsonTypeInfo<TSource> _json = (JsonTypeInfo<TSource>)json.GetTypeInfo(typeof(TSource));
    private readonly Reduction<TSource>[] _reductions = reductions ?? [];

    internal override IReadOnlyList<Reduction> Reductions => _reductions;

    internal override object Decode(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, _json) ?? throw new JsonException("A source state is the JSON literal null.");

    internal override byte[]? ElementOf(int slot, string sourceKey, object source) =>
        _reductions[slot].ElementOf(sourceKey, (TSource)source);

    internal abstract TView? Apply(TView? state, in Change<TSource> change, in Reduced<TSource> reduced);

    internal override TView? Apply(TView? state, in SourceStep step, ArraySegment<ReductionSlot> slots)
    {
        var change = new Change<TSource>
        {
            Key = step.Key,
            Before = (TSource?)step.Before,
            After = (TSource?)step.After,
            Cause = step.Cause,
            Time = DateTimeOffset.FromUnixTimeMilliseconds(step.Timestamp),
        };
        return Apply(state, change, new Reduced<TSource>(_reductions, slots));
    }
}
