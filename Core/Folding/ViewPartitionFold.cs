using System.Text.Json;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding.Entries;
using ActorStreams.Frames;
using ActorStreams.Json;
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
    private readonly HashSet<ReductionSlot> _plannedSlots = [];
    private RecordBatch? _batch;
    private Marks _marks = new();

    private protected override CheckpointHeader.Section OwnSection => CheckpointHeader.Section.Marks;

    internal override IContributionFold Contributions => this;

    internal override int WeightOf(in ChangeRecord record) => record.Value is { } frame ? FrameReader.BodyBytesOf(frame) : 0;

    private protected override FoldNeeds PrepareBatch(RecordBatch batch)
    {
        var needs = new FoldNeeds();
        _batch = batch;
        _prepared.Clear();
        for (var i = 0; i < batch.Records.Count; i++)
            PrepareFrame(batch.Records[i], i, needs);
        foreach (var (entry, slot) in _planned)
            entry.Reductions![slot].Ask(entry.Key, slot, StoreIsEmpty, needs.Contributions);
        _planned.Clear();
        _plannedSlots.Clear();
        return needs;
    }

    public void SupplyScan(ContributionScan scan, IReadOnlyList<StoredContribution> contributions) =>
        ((RankingSlot)Table.Find(scan.Key)!.Reductions![scan.Slot]).Supply(contributions, scan.Limit);

    public void SupplyRows(IReadOnlyList<StoredContribution> contributions)
    {
        foreach (var contribution in contributions)
        {
            var entry = Table.Find(contribution.Id.Key)!;
            if (contribution.Id.Slot == FailedMembers.Slot)
                entry.Failed!.Supply(contribution);
            else
                ((DistinctSlot)entry.Reductions![contribution.Id.Slot]).Supply(contribution);
        }
    }

    private protected override byte[] WriteOwn() => _marks.Write();

    private protected override void RestoreOwn(ReadOnlyMemory<byte> bytes) => _marks = Marks.Read(bytes);

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
        _prepared.Clear();
    }

    /// <summary>
    /// A side that cannot be folded is one that is not there, before and after alike. So where the change fails, the source leaves with
    /// what the state holds of it, and is remembered as failed; its next change then has nothing before. False when the dataset stops at
    /// what cannot be folded.
    /// </summary>
    private bool FoldOne(in Prepared prepared)
    {
        if (prepared.Fault is not null)
            return SetAside(Unusable(prepared, prepared.Fault, null));
        var (entry, change) = (prepared.Entry!, prepared.Change!);
        var after = prepared.Kind == RouteKind.Left ? default : change.After;
        var told = Told(entry, change, prepared.Kind, out var hasFailed);
        if (FailureOf(_batch!.Records[prepared.Record].Offset) is { } failure)
        {
            if (!SetAside(Unusable(prepared, failure, null) with { Kind = FaultKind.FoldFailed }))
                return false;
        }
        else if (after.Error is null)
        {
            if (told.State is null && after.State is null)
                return Forget(entry, change, hasFailed);
            if (Try(prepared, told, after) is not { } error)
                return Forget(entry, change, hasFailed);
            if (!SetAside(Unusable(prepared, Reason(error), error)))
                return false;
        }
        else if (
            !SetAside(
                Unusable(
                    prepared, $"The change of '{KeyText.Shown(change.SourceKey)}' cannot be used: {ExceptionText.Of(after.Error)}",
                        after.Error)))
        {
            return false;
        }

        var left = told.State is null || (after.Stored is not null && Try(prepared, told, default) is null);
        Fail(entry, change, told, left);
        return true;
    }

    /// <summary>What the view key's state holds of the source: the side before, unless the source has failed.</summary>
    private static ChangeSide Told(StateEntry<TState> entry, RoutedChange<TState> change, RouteKind kind, out bool hasFailed)
    {
        byte[] held = [];
        hasFailed = entry.Failed is not null && entry.Failed.Has(change.Member, out held);
        if (!hasFailed)
            return kind == RouteKind.Entered ? default : change.Before;
        // What failed contributes to no reduction, also where the state still holds it.
        return held.Length == 0 ? default : change.Read(held) with { Elements = null };
    }

    /// <summary>
    /// Folds one step; the exception where that fails: then the state stays as it was, and so does what stands beside it.
    /// </summary>
    private Exception? Try(in Prepared prepared, in ChangeSide before, in ChangeSide after)
    {
        var (entry, change) = (prepared.Entry!, prepared.Change!);
        TakenState<TState> taken;
        try
        {
            Contribute(entry, change.Input, before.Elements, after.Elements, undo: false);
            taken = Take(entry, Apply(entry.State(Format), entry, change, before.State, after.State));
            if (taken.MayBeRounded)
                RequireTakesBack(entry, change, taken, before, after);
        }
        catch (Exception error)
        {
            // The user's fold may throw anything.
            Contribute(entry, change.Input, before.Elements, after.Elements, undo: true);
            MarkDirty(entry);
            return error;
        }

        Step(entry, taken, _batch!.Records[prepared.Record].Offset, prepared.Index, change.Timestamp, change.Cause);
        return null;
    }

    private static TState? Apply(TState? state, StateEntry<TState> entry, RoutedChange<TState> change, object? before, object? after)
    {
        var input = change.Input;
        var slots = input.Slots == 0 ? default : new ArraySegment<ReductionSlot>(entry.Reductions!, input.FirstSlot, input.Slots);
        return input.Fold.Apply(state, new(change.SourceKey, before, after, change.Cause, change.Timestamp), slots);
    }

    /// <summary>
    /// A sum of decimals that needs more digits than there are is rounded without an error. It shows when the change is taken back: the
    /// state before has other numbers.
    /// </summary>
    /// <exception cref="OverflowException">The change cannot be taken back.</exception>
    private void RequireTakesBack(
        StateEntry<TState> entry, RoutedChange<TState> change, in TakenState<TState> taken, in ChangeSide before, in ChangeSide after)
    {
        var storedBefore = entry.Stored(Format);
        Contribute(entry, change.Input, before.Elements, after.Elements, undo: true);
        var isSame = false;
        Exception? error = null;
        try
        {
            var back = Apply(taken.State, entry, change, after.State, before.State);
            isSame = storedBefore is null || back is null || SameNumbers(storedBefore, Format.Write(back));
        }
        catch (Exception thrown)
        {
            error = thrown;
        }

        Contribute(entry, change.Input, before.Elements, after.Elements, undo: false);
        if (!isSame)
        {
            throw new OverflowException(
                "A decimal of the state was rounded: it needs more than 28 digits, so the change could not be taken back. "
                + "Sum smaller numbers or fewer digits, or use BigInteger.",
                error);
        }
    }

    private static bool SameNumbers(byte[] before, byte[] back) => Numbers(before).SequenceEqual(Numbers(back), StringComparer.Ordinal);

    private static List<string> Numbers(byte[] json)
    {
        List<string> numbers = [];
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.Number)
                numbers.Add(System.Text.Encoding.ASCII.GetString(reader.ValueSpan));
        }

        return numbers;
    }

    private static void Contribute(StateEntry<TState> entry, ViewInput<TState> input, byte[]?[]? before, byte[]?[]? after, bool undo)
    {
        for (var slot = 0; slot < input.Slots; slot++)
        {
            var contributions = entry.Reductions![input.FirstSlot + slot];
            if (undo)
                contributions.Undo(before?[slot], after?[slot]);
            else
                contributions.Replace(before?[slot], after?[slot]);
        }
    }

    /// <summary>The state holds the source as it is now.</summary>
    private bool Forget(StateEntry<TState> entry, RoutedChange<TState> change, bool hasFailed)
    {
        if (!hasFailed)
            return true;
        entry.Failed!.Unmark(change.Member);
        _marks.FailedMembers--;
        MarkDirty(entry);
        return true;
    }

    /// <summary>
    /// The state does not hold the source as it is now, but nothing of it, or, where it could not leave either, a state from before.
    /// </summary>
    private void Fail(StateEntry<TState> entry, RoutedChange<TState> change, in ChangeSide told, bool left)
    {
        if (!left)
            Contribute(entry, change.Input, told.Elements, null, undo: false);
        entry.Failed ??= new(Options.Slots, Memory);
        if (entry.Failed.Mark(change.Member, left ? [] : told.Stored!.Value.ToArray()))
            _marks.FailedMembers++;
        MarkDirty(entry);
    }

    private void PrepareFrame(in ChangeRecord record, int recordIndex, FoldNeeds needs)
    {
        try
        {
            if (record.Value is not { } value)
                throw new InvalidDataException("The record has no value: a view's input log is written by its sources alone.");
            var frame = new FrameReader(value);
            var input = InputOf(frame);
            if (!_marks.Admits(frame.Source, frame.SourcePartition, frame.Epoch))
            {
                Repeats++;
                return;
            }

            for (var index = 0; frame.NextChange();)
                PrepareChange(ref frame, input, recordIndex, ref index, needs);
        }
        catch (InvalidDataException error)
        {
            _prepared.Add(new(recordIndex, 0, null, null, default, error.Message));
        }
    }

    /// <exception cref="InvalidDataException">The frame is of a build that does not feed this one.</exception>
    private ViewInput<TState> InputOf(in FrameReader frame)
    {
        var (source, build) = (frame.Source, frame.SourceBuild);
        return Array.Find(_inputs, input => input.Source.Name == source && input.Source.Build == build)
            ?? throw new InvalidDataException(
                $"The frame comes from build {build} of '{source}', which does not feed build {Dataset.Build} of {Dataset}.");
    }

    private void PrepareChange(ref FrameReader frame, ViewInput<TState> input, int record, ref int index, FoldNeeds needs)
    {
        RoutedChange<TState>? change = null;
        for (; frame.NextRoute(out var kind, out var routeIndex, out var viewKey); index++)
        {
            if (!_marks.Raise(frame.Source, frame.SourcePartition, new(frame.Offset, routeIndex)))
            {
                Repeats++;
                continue;
            }

            if (OnlyKeys?.Contains(viewKey) == false)
                continue;
            change ??= ChangeOf(frame, input);
            var entry = Table.GetOrAdd(viewKey);
            _prepared.Add(new(record, index, entry, change, kind, entry is null ? "The view key is not UTF-8 text." : null));
            if (entry is null)
                continue;
            Need(entry, needs);
            Plan(entry, change, kind, needs);
        }
    }

    private static RoutedChange<TState> ChangeOf(in FrameReader frame, ViewInput<TState> input)
    {
        var origin = new Position(input.Source.Topic, frame.SourcePartition, frame.Offset);
        return new(input, frame.SourceKey, new(origin, frame.Root ?? origin), frame.Timestamp, frame.Before, frame.After);
    }

    private void Plan(StateEntry<TState> entry, RoutedChange<TState> change, RouteKind kind, FoldNeeds needs)
    {
        if (_marks.FailedMembers > 0)
            (entry.Failed ??= new(Options.Slots, Memory)).Ask(entry.Key, change.Member, StoreIsEmpty, needs.Contributions);
        if (_inputs[^1].EndSlot == 0)
            return;
        entry.Reductions ??= NewSlots();
        for (var slot = 0; slot < change.Input.Slots; slot++)
        {
            var index = change.Input.FirstSlot + slot;
            var contributions = entry.Reductions[index];
            if (_plannedSlots.Add(contributions))
            {
                contributions.BeginPlan();
                _planned.Add((entry, index));
            }

            contributions.Plan(
                kind == RouteKind.Entered
                    ? null
                    : change.Before.Elements?[slot], kind == RouteKind.Left
                    ? null
                    : change.After.Elements?[slot]);
        }
    }

    private ReductionSlot[] NewSlots() =>
        [.. _inputs.SelectMany(input => input.Fold.Reductions).Select(reduction => reduction.CreateSlot(Options.Slots, Memory))];

    private static string Reason(Exception error) =>
        error is UnstorableStateException ? error.Message : $"The fold of {typeof(TState).Name} failed: {ExceptionText.Of(error)}";

    private Fault Unusable(in Prepared prepared, string reason, Exception? error)
    {
        var record = _batch!.Records[prepared.Record];
        var value = prepared.Change?.ToJson(
            prepared.Entry?.Key,
            prepared.Kind == RouteKind.Entered ? null : prepared.Change.Before.Stored,
            prepared.Kind == RouteKind.Left ? null : prepared.Change.After.Stored);
        return new(record.Offset, prepared.Index, record.Timestamp, prepared.Entry?.Key, value ?? record.Value, reason, error)
        {
            Kind = FaultKinds.Of(error),
        };
    }

    /// <summary>One routed change, ready to be folded.</summary>
    private readonly record struct Prepared(
        int Record, int Index, StateEntry<TState>? Entry, RoutedChange<TState>? Change, RouteKind Kind, string? Fault);
}
