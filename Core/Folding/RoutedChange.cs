using System.Buffers;
using System.Text.Json;
using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Folding.Entries;
using ActorStreams.Json;
using ActorStreams.Lineage;

namespace ActorStreams.Folding;

/// <summary>One change of a source as a view's partition folds it, decoded once for all view keys it is routed to.</summary>
internal sealed class RoutedChange<TState>
    where TState : class
{
    private byte[]? _member;

    internal RoutedChange(
        ViewInput<TState> input, string sourceKey, Cause cause, long timestamp, ReadOnlyMemory<byte>? before, ReadOnlyMemory<byte>? after)
    {
        (Input, SourceKey, Cause, Timestamp) = (input, sourceKey, cause, timestamp);
        (Before, After) = (Read(before), Read(after));
    }

    internal ViewInput<TState> Input { get; }

    internal string SourceKey { get; }

    internal Cause Cause { get; }

    internal long Timestamp { get; }

    /// <summary>The source's state before.</summary>
    internal ChangeSide Before { get; }

    /// <summary>The source's state after.</summary>
    internal ChangeSide After { get; }

    /// <summary>The source among the failed members of a view key.</summary>
    internal byte[] Member => _member ??= FailedMembers.ElementOf(Input.Number, SourceKey);

    /// <summary>The change as a person can read it, for the dead letters.</summary>
    internal byte[] ToJson(string? key, ReadOnlyMemory<byte>? before, ReadOnlyMemory<byte>? after)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("key", key);
        json.WriteString("source", Input.Source.Name);
        json.WriteString("sourceKey", SourceKey);
        json.WriteString("origin", Cause.Trigger.ToString());
        Write(json, "before", before);
        Write(json, "after", after);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a state of the source, and what it contributes.</summary>
    internal ChangeSide Read(ReadOnlyMemory<byte>? stored)
    {
        if (stored is not { } bytes)
            return default;
        try
        {
            var state = Input.Fold.Decode(bytes.Span);
            if (Input.Slots == 0)
                return new(bytes, state, null, null);
            var elements = new byte[]?[Input.Slots];
            for (var slot = 0; slot < elements.Length; slot++)
                elements[slot] = Bounded(Input.Fold.ElementOf(slot, SourceKey, state));
            return new(bytes, state, elements, null);
        }
        catch (Exception error)
        {
            // The source's stored state does not fit its type any more, or a reduction's selector threw.
            return new(bytes, null, null, error);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, ReadOnlyMemory<byte>? state)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(state is { } bytes ? Encoding.UTF8.GetString(bytes.Span) : "null", skipInputValidation: true);
    }

    private static byte[]? Bounded(byte[]? element) => element is null || element.Length <= FoldLimits.MaxElementBytes
        ? element
        : throw new UnstorableStateException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"What it contributes to a reduction has {element.Length:N0} bytes, but at most {FoldLimits.MaxElementBytes:N0} are "
                + $"taken: ")
            + "the value, and for a ranking the source's key. Rank or count by a shorter value.",
            isTooLarge: true);
}

/// <summary>One side of a change: a state of the source. A side that cannot be used is one that is not there.</summary>
/// <param name="Stored">The state as it is stored; null where the source has none.</param>
/// <param name="State">The state; null where there is none, or it cannot be used.</param>
/// <param name="Elements">What it contributes to each reduction; null where it contributes nothing.</param>
/// <param name="Error">Why it cannot be used.</param>
internal readonly record struct ChangeSide(ReadOnlyMemory<byte>? Stored, object? State, byte[]?[]? Elements, Exception? Error);

/// <summary>One source of a view's partition: the fold of its changes, and the slots of its reductions among all of the view's.</summary>
internal sealed record ViewInput<TState>(int Number, Dataset Source, SourceFold<TState> Fold, int FirstSlot)
    where TState : class
{
    internal int Slots => Fold.Reductions.Count;

    internal int EndSlot => FirstSlot + Slots;

    internal static ViewInput<TState>[] Of(ViewDataset<TState> view)
    {
        var inputs = new List<ViewInput<TState>>();
        foreach (var (edge, fold) in view.SourceEdges.Zip(view.SourceFolds))
            inputs.Add(new(inputs.Count, edge.Source, fold, inputs.Count == 0 ? 0 : inputs[^1].EndSlot));
        return [.. inputs];
    }
}
