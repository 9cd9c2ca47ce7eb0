using System.Buffers;
using System.Text;
using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Frames;
using ActorStreams.Lineage;
using ActorStreams.Log;
using ActorStreams.Reducing;
using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>
/// Folds the frames of a view's input log: each routed change whose origin is above its mark, into the state of its view key. What a source
/// state contributes to reductions is worked out while preparing, so that the store can be asked for what stands beside the states as well.
/// </summary>
internal sealed class ViewPartitionFold<TState>(ViewDataset<TState> dataset, int partition, FoldOptions options)
    : PartitionFold<TState>(dataset, partition, options), IContributionFold
    where TState : class
{
    private readonly ViewInput<TState>[] _inputs = ViewInput<TState>.Of(dataset);
    private readonly List<Prepared> _prepared = [];
    private readonly List<(StateEntry<TState> Entry, int Slot)> _planned = [];
    private readonly HashSet<ContributionSlot> _plannedSlots = [];
    private RecordBatch? _batch;

    internal override IContributionFold Contributions => this;

    private protected override FoldNeeds PrepareBatch(RecordBatch batch)
    {
        var needs = new FoldNeeds();
        _batch = batch;
        _prepared.Clear();
        for (var i = 0; i < batch.Records.Count; i++)
            PrepareFrame(batch.Records[i], i, needs);
        foreach (var (entry, slot) in _planned)
            entry.Contributions![slot].Ask(entry.Key, slot, StoreIsEmpty, needs.Contributions);
        _planned.Clear();
        _plannedSlots.Clear();
        return needs;
    }

    public void SupplyScan(ContributionScan scan, IReadOnlyList<StoredContribution> contributions) =>
        ((RankingSlot)Table.Find(scan.Key)!.Contributions![scan.Slot]).Supply(contributions, scan.Limit);

    public void SupplyCounts(IReadOnlyList<StoredContribution> contributions)
    {
        foreach (var contribution in contributions)
            ((DistinctSlot)Table.Find(contribution.Id.Key)!.Contributions![contribution.Id.Slot]).Supply(contribution);
    }

    private protected override void FoldPrepared()
    {
        var record = -1;
        foreach (var prepared in _prepared)
        {
            if (prepared.Record != record)
            {
                BeginRecord();
                record = prepared.Record;
                NextOffset = _batch!.Records[record].Offset;
            }

            if (!FoldOne(prepared))
                return;
        }

        NextOffset = _batch!.NextOffset;
        _batch = null;
    }

    private bool FoldOne(in Prepared prepared)
    {
        if (prepared.Fault is not null)
            return SetAside(Unusable(prepared, prepared.Fault, null));
        var (entry, body, _, index) = (prepared.Entry!, prepared.Body!, prepared.Record, prepared.Index);
        var before = prepared.Kind == RouteKind.Entered ? null : body.Before;
        var after = prepared.Kind == RouteKind.Left ? null : body.After;
        var slots = body.Input.Slots == 0
            ? default
            : new ArraySegment<ContributionSlot>(entry.Contributions!, body.Input.FirstSlot, body.Input.Slots);
        try
        {
            Contribute(entry, body, before, after, undo: false);
            var state = body.Input.Fold.Apply(
                entry.State(Definition.StateJson), new(body.SourceKey, before, after, body.Cause, body.Timestamp), slots);
            Step(entry, state, _batch!.Records[prepared.Record].Offset, index, body.Timestamp, body.Cause);
            return true;
        }
        catch (Exception error)
        {
            // The user's fold may throw anything. The state stays as it was, and so does what stands beside it.
            Contribute(entry, body, before, after, undo: true);
            MarkDirty(entry);
            return SetAside(Unusable(prepared, $"The fold of {typeof(TState).Name} failed: {error.Message}", error));
        }
    }

    private static void Contribute(StateEntry<TState> entry, ChangeBody body, object? before, object? after, bool undo)
    {
        for (var slot = 0; slot < body.Input.Slots; slot++)
        {
            var contributions = entry.Contributions![body.Input.FirstSlot + slot];
            var elementBefore = before is null ? null : body.ElementsBefore![slot];
            var elementAfter = after is null ? null : body.ElementsAfter![slot];
            if (undo)
                contributions.Undo(elementBefore, elementAfter);
            else
                contributions.Replace(elementBefore, elementAfter);
        }
    }

    private void PrepareFrame(in ChangeRecord record, int recordIndex, FoldNeeds needs)
    {
        try
        {
            if (record.Value is not { } value)
                throw new InvalidDataException("The record has no value: a view's input log is written by its sources alone.");
            var frame = new FrameReader(value);
            var input = InputOf(frame.Source);
            for (var index = 0; frame.NextChange();)
                PrepareChange(ref frame, input, recordIndex, ref index, needs);
        }
        catch (InvalidDataException error)
        {
            _prepared.Add(new(recordIndex, 0, null, null, default, error.Message));
        }
    }

    private ViewInput<TState> InputOf(string source) =>
        Array.Find(_inputs, input => input.Source.Name == source) ?? throw new InvalidDataException(
            $"The frame comes from '{source}', which is no source of {Dataset}. Raise the view's version when its sources change.");

    private void PrepareChange(ref FrameReader frame, ViewInput<TState> input, int record, ref int index, FoldNeeds needs)
    {
        ChangeBody? body = null;
        for (; frame.NextRoute(out var kind, out var routeIndex, out var viewKey); index++)
        {
            if (!Marks.Raise(frame.Source, frame.SourcePartition, new(frame.Offset, routeIndex)))
            {
                Repeats++;
                continue;
            }

            if (OnlyKeys?.Contains(viewKey) == false)
                continue;
            var fault = body is null ? Decode(frame, input, out body) : null;
            var entry = Table.GetOrAdd(viewKey);
            _prepared.Add(
                new(record, index, entry, body, kind, fault ?? (entry is null ? "The view key is not UTF-8 text." : body!.Fault)));
            if (entry is null)
                continue;
            Need(entry, needs);
            Plan(entry, body!, kind);
        }
    }

    private static string? Decode(in FrameReader frame, ViewInput<TState> input, out ChangeBody body)
    {
        var origin = new Position(input.Source.Topic, frame.SourcePartition, frame.Offset);
        body = new(input, frame.SourceKey, new(origin, frame.Root ?? origin), frame.Timestamp, frame.Before, frame.After);
        try
        {
            body.Decode();
            return null;
        }
        catch (Exception error)
        {
            // The source's stored state does not fit its type any more, or a reduction's selector threw.
            return body.Fault = $"The change of '{frame.SourceKey}' cannot be used: {error.Message}";
        }
    }

    private void Plan(StateEntry<TState> entry, ChangeBody body, RouteKind kind)
    {
        if (_inputs[^1].EndSlot == 0)
            return;
        entry.Contributions ??= NewSlots();
        for (var slot = 0; slot < body.Input.Slots && body.Fault is null; slot++)
        {
            var index = body.Input.FirstSlot + slot;
            var contributions = entry.Contributions[index];
            contributions.Plan(
                kind == RouteKind.Entered ? null : body.ElementsBefore?[slot], kind == RouteKind.Left ? null : body.ElementsAfter?[slot]);
            if (_plannedSlots.Add(contributions))
                _planned.Add((entry, index));
        }
    }

    private ContributionSlot[] NewSlots() =>
    [
        .. _inputs.SelectMany(input => input.Fold.Reductions).Select(reduction => reduction.CreateSlot(Options.ContributionWindow)),
    ];

    private Fault Unusable(in Prepared prepared, string reason, Exception? error)
    {
        var record = _batch!.Records[prepared.Record];
        return new(record.Offset, prepared.Index, record.Timestamp, prepared.Entry?.Key, prepared.Body?.ToJson(
            prepared.Entry?.Key, prepared.Kind) ?? record.Value, reason, error);
    }

    /// <summary>One routed change, ready to be folded.</summary>
    private readonly record struct Prepared(
        int Record, int Index, StateEntry<TState>? Entry, ChangeBody? Body, RouteKind Kind, string? Fault);

    /// <summary>One change of a source, decoded once for all view keys it is routed to.</summary>
    private sealed class ChangeBody(
        ViewInput<TState> input, string sourceKey, Cause cause, long timestamp, ReadOnlyMemory<byte>? before, ReadOnlyMemory<byte>? after)
    {
        internal ViewInput<TState> Input { get; } = input;

        internal string SourceKey { get; } = sourceKey;

        internal Cause Cause { get; } = cause;

        internal long Timestamp { get; } = timestamp;

        internal object? Before { get; private set; }

        internal object? After { get; private set; }

        internal byte[]?[]? ElementsBefore { get; private set; }

        internal byte[]?[]? ElementsAfter { get; private set; }

        internal string? Fault { get; set; }

        internal void Decode()
        {
            (Before, ElementsBefore) = Side(before);
            (After, ElementsAfter) = Side(after);
        }

        /// <summary>The change as a person can read it, for the dead letters.</summary>
        internal byte[] ToJson(string? key, RouteKind kind)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using var json = new Utf8JsonWriter(buffer);
            json.WriteStartObject();
            json.WriteString("key", key);
            json.WriteString("source", Input.Source.Name);
            json.WriteString("sourceKey", SourceKey);
            json.WriteString("origin", Cause.Trigger.ToString());
            Write(json, "before", kind == RouteKind.Entered ? null : before);
            Write(json, "after", kind == RouteKind.Left ? null : after);
            json.WriteEndObject();
            json.Flush();
            return buffer.WrittenSpan.ToArray();
        }

        private static void Write(Utf8JsonWriter json, string name, ReadOnlyMemory<byte>? state)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(state is { } bytes ? Encoding.UTF8.GetString(bytes.Span) : "null", skipInputValidation: true);
        }

        private (object? State, byte[]?[]? Elements) Side(ReadOnlyMemory<byte>? stored)
        {
            if (stored is not { } bytes)
                return (null, null);
            var state = Input.Fold.Decode(bytes.Span);
            if (Input.Slots == 0)
                return (state, null);
            var elements = new byte[]?[Input.Slots];
            for (var slot = 0; slot < elements.Length; slot++)
                elements[slot] = Input.Fold.ElementOf(slot, SourceKey, state);
            return (state, elements);
        }
    }
}
