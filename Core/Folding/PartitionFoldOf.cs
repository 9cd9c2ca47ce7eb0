using System.Buffers;
using System.Text.Json;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Frames;
using ActorStreams.Lineage;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>What entities and views have in common: the table, a step of one state, and the checkpoint.</summary>
#pragma warning disable CA1001 // the JSON writer writes to memory: there is nothing to release
internal abstract class PartitionFold<TState> : PartitionFold
#pragma warning restore CA1001
    where TState : class
{
    private readonly ArrayBufferWriter<byte> _json = new(256);
    private readonly Utf8JsonWriter _jsonWriter;
    private readonly List<StateEntry<TState>> _dirty = [];
    private readonly List<StateEntry<TState>> _writing = [];
    private readonly List<StateEntry<TState>> _asked = [];
    private readonly FrameRouter<TState> _router;

    private protected PartitionFold(Dataset<TState> dataset, int partition, FoldOptions options)
        : base(dataset, partition, options)
    {
        Definition = dataset;
        Table = new(options.TableEntries);
        _jsonWriter = new(_json, new() { Encoder = dataset.Json.Encoder, SkipValidation = true });
        _router = new(dataset, partition, options.MaxKeysPerState, options.MaxFrameBytes);
    }

    internal override int DirtyEntries => _dirty.Count + _writing.Count;

    internal override int TableEntries => Table.Count;

    private protected Dataset<TState> Definition { get; }

    private protected StateTable<TState> Table { get; }

    private protected Marks Marks { get; private set; } = new();

    private protected FoldOutput Output { get; set; } = new();

    /// <summary>Changes that preparing skipped, since the last fold.</summary>
    private protected int Repeats { get; set; }

    /// <summary>True as long as nothing rests in the store alone, so that asking it would be vain.</summary>
    private protected bool StoreIsEmpty { get; private set; } = true;

    internal override void Restore(Checkpoint? checkpoint)
    {
        (NextOffset, States) = (checkpoint?.Position ?? 0, checkpoint?.States ?? 0);
        (StoredPosition, WritingPosition) = (checkpoint?.Position, null);
        RestoreMarks(checkpoint?.Marks ?? default);
        StoreIsEmpty = checkpoint is null;
    }

    internal override void SupplyStates(IReadOnlyList<StoredState> states)
    {
        foreach (var entry in _asked)
            entry.Load(null, -1, 0);
        _asked.Clear();
        foreach (var state in states)
            Table.Find(state.Key)!.Load(state.State.ToArray(), state.Offset, state.Timestamp);
    }

    internal override FoldOutput Fold()
    {
        Output = new() { Repeats = Repeats };
        Repeats = 0;
        FoldPrepared();
        if (Output.StoppedAt is null)
            _router.Flush(Output.Frames);
        return Output;
    }

    internal override void Trim()
    {
        if (Table.Trim())
            StoreIsEmpty = false;
    }

    internal override bool TryRead(string key, out StateRow row)
    {
        var entry = Table.Find(key);
        if (entry is not { IsLoaded: true })
        {
            row = new(key, null, -1, 0);
            return StoreIsEmpty;
        }

        entry.Referenced = true;
        row = Row(entry);
        return true;
    }

    internal override List<StateRow> Unstored(string prefix, string? after) =>
    [
        .. _dirty.Union(_writing)
            .Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal)
                && (after is null || KeyOrder.Instance.Compare(entry.Key, after) > 0))
            .Select(Row),
    ];

    internal override IEnumerable<StateRow> All() => Table.Entries.Where(entry => entry.Exists).Select(Row);

    internal override CheckpointWrite BeginCheckpoint(long? expectedPosition)
    {
        if (WritingPosition is not null)
            throw new BrokenInvariantException($"A checkpoint of {Id} begins at {NextOffset} while one at {WritingPosition} is under way.");
        if (NextOffset < StoredPosition)
            throw new BrokenInvariantException($"The checkpoint of {Id} would fall from {StoredPosition} to {NextOffset}.");
        List<StoredState> upserts = [];
        List<string> deletes = [];
        List<StoredContribution> contributions = [];
        List<ContributionId> contributionDeletes = [];
        foreach (var entry in _dirty)
        {
            entry.MoveTo(EntryStatus.Writing);
            if (entry.Stored(Definition.StateJson) is { } state)
                upserts.Add(new(entry.Key, state, entry.Offset, entry.Timestamp));
            else
                deletes.Add(entry.Key);
            for (var slot = 0; slot < (entry.Contributions?.Length ?? 0); slot++)
                entry.Contributions![slot].BeginCheckpoint(entry.Key, slot, contributions, contributionDeletes);
        }

        WritingPosition = NextOffset;
        _writing.AddRange(_dirty);
        _dirty.Clear();
        return new()
        {
            Partition = Id,
            ExpectedPosition = expectedPosition,
            Checkpoint = new(NextOffset, States, WriteMarks()),
            Upserts = upserts,
            Deletes = deletes,
            ContributionUpserts = contributions,
            ContributionDeletes = contributionDeletes,
        };
    }

    internal override void CheckpointWritten()
    {
        (StoredPosition, WritingPosition) =
            (WritingPosition ?? throw new BrokenInvariantException($"No checkpoint of {Id} is under way."), null);
        foreach (var entry in _writing)
        {
            entry.MoveTo(entry.Status == EntryStatus.Writing ? EntryStatus.Stored : EntryStatus.Changed);
            foreach (var slot in entry.Contributions ?? [])
                slot.CheckpointWritten();
        }

        _writing.Clear();
    }

    /// <summary>What a checkpoint keeps beside position and states.</summary>
    private protected virtual byte[] WriteMarks() => Marks.Write();

    private protected virtual void RestoreMarks(ReadOnlyMemory<byte> bytes) => Marks = Marks.Read(bytes);

    /// <summary>Folds what was prepared, by <see cref="Step"/>, until the end or a bad record at which the dataset stops.</summary>
    private protected abstract void FoldPrepared();

    /// <summary>A table entry for a key in this batch; adds it to the needs when the store may have more to say.</summary>
    private protected void Need(StateEntry<TState> entry, FoldNeeds needs)
    {
        if (entry.Status != EntryStatus.Missing)
            return;
        if (StoreIsEmpty)
        {
            entry.Load(null, -1, 0);
            return;
        }

        entry.MoveTo(EntryStatus.Asked);
        _asked.Add(entry);
        needs.Keys.Add(entry.Key);
    }

    /// <summary>The routed changes of a new input record are counted from 0 again.</summary>
    private protected void BeginRecord() => _router.BeginRecord();

    /// <summary>
    /// Takes a key's state from what it is to <paramref name="after"/>. What is equal as it would be stored is no
    /// change, but was folded all the same.
    /// </summary>
    private protected void Step(StateEntry<TState> entry, TState? after, long offset, int index, long timestamp, in Cause cause)
    {
        var existed = entry.Exists;
        if (!_router.HasRoutes && WatchedKeys.Count == 0)
            entry.Set(after);
        else
            Change(entry, after, offset, index, timestamp, cause);
        States += (entry.Exists ? 1 : 0) - (existed ? 1 : 0);
        (entry.Offset, entry.Timestamp) = (offset, timestamp);
        MarkDirty(entry);
        Output.Folded++;
    }

    private protected void MarkDirty(StateEntry<TState> entry)
    {
        if (entry.Status is EntryStatus.Changed or EntryStatus.ChangedWhileWriting)
            return;
        entry.MoveTo(entry.Status == EntryStatus.Writing ? EntryStatus.ChangedWhileWriting : EntryStatus.Changed);
        _dirty.Add(entry);
    }

    /// <summary>Sets aside something that cannot be folded, or stops at it, as the dataset says.</summary>
    /// <returns>False when the dataset stops.</returns>
    private protected bool SetAside(in Fault fault)
    {
        Output.DeadLetters.Add(new(
            Dataset.Name, new(Dataset.Topic, Partition, fault.Offset), fault.Index, fault.Key, fault.Reason, fault.Error?.ToString(),
            fault.Value, fault.Timestamp)
        {
            Kind = FaultKinds.Of(fault.Error),
            KeyBytes = fault.KeyBytes,
            Headers = fault.Headers ?? [],
            First = fault.First,
        });
        if (Dataset.BadRecords == BadRecords.SetAside)
            return true;
        Output.StoppedAt = fault.Offset;
        return false;
    }

    private void Change(StateEntry<TState> entry, TState? after, long offset, int index, long timestamp, in Cause cause)
    {
        var before = entry.State(Definition.StateJson);
        var storedBefore = entry.Stored(Definition.StateJson);
        if (!Serialize(after, storedBefore, out var storedAfter))
            return;
        entry.Set(after, storedAfter);
        _router.Route(
            entry.Key, before, after, new(offset, timestamp, cause.Root, storedBefore, storedAfter), Output.Frames, Output.DeadLetters);
        if (WatchedKeys.Contains(entry.Key))
            Output.Watched.Add(new(entry.Key, storedBefore, storedAfter, new(Partition, offset, index), timestamp, cause));
    }

    /// <summary>The stored form of a state; false when it is the one before.</summary>
    private bool Serialize(TState? state, byte[]? before, out byte[]? stored)
    {
        stored = null;
        if (state is null)
            return before is not null;
        _json.ResetWrittenCount();
        _jsonWriter.Reset();
        JsonSerializer.Serialize(_jsonWriter, state, Definition.StateJson);
        if (before is not null && _json.WrittenSpan.SequenceEqual(before))
            return false;
        stored = _json.WrittenSpan.ToArray();
        return true;
    }

    private StateRow Row(StateEntry<TState> entry) => new(entry.Key, entry.Stored(Definition.StateJson), entry.Offset, entry.Timestamp);

    /// <summary>Why something cannot be folded.</summary>
    private protected readonly record struct Fault(
        long Offset, int Index, long Timestamp, string? Key, ReadOnlyMemory<byte>? Value, string Reason, Exception? Error)
    {
        internal ReadOnlyMemory<byte>? KeyBytes { get; init; }

        internal IReadOnlyList<RecordHeader>? Headers { get; init; }

        internal DeadLetterId? First { get; init; }
    }
}
