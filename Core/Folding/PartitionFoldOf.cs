using System.Buffers;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding.Entries;
using ActorStreams.Formats;
using ActorStreams.Frames;
using ActorStreams.Json;
using ActorStreams.Lineage;
using ActorStreams.Log;
using ActorStreams.Reducing;
using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>What entities and views have in common: the table, a step of one state, and the checkpoint.</summary>
internal abstract class PartitionFold<TState> : PartitionFold
    where TState : class
{
    private readonly List<StateEntry<TState>> _dirty = [];
    private readonly List<StateEntry<TState>> _writing = [];
    private readonly List<StateEntry<TState>> _asked = [];
    private readonly FrameRouter<TState> _router;
    private long _dirtyBytes;
    private long _writingBytes;

    private protected PartitionFold(Dataset<TState> dataset, int partition, FoldOptions options)
        : base(dataset, partition, options)
    {
        Definition = dataset;
        Table = new(options.TableEntries, options.TableBytes);
        Format = new(dataset.StateJson, dataset.StateShape, dataset.MaxStateBytes, options.KeepsStatesUnstored);
        _router = new(dataset, partition, options.MaxFrameBytes);
    }

    internal override int DirtyEntries => _dirty.Count + _writing.Count;

    internal override long UnstoredBytes => _dirtyBytes + _writingBytes + Memory.Unstored;

    internal override long TableBytes => Table.Bytes;

    internal override int TableEntries => Table.Count;

    private protected Dataset<TState> Definition { get; }

    private protected StateTable<TState> Table { get; }

    private protected StateFormat<TState> Format { get; }

    private protected ContributionMemory Memory { get; } = new();

    private protected FoldOutput Output { get; set; } = new();

    /// <summary>Changes that preparing skipped, since the last fold.</summary>
    private protected int Repeats { get; set; }

    /// <summary>True as long as nothing rests in the store alone, so that asking it would be vain.</summary>
    private protected bool StoreIsEmpty { get; private set; } = true;

    internal override void Restore(Checkpoint? checkpoint)
    {
        (NextOffset, States) = (checkpoint?.Position ?? 0, checkpoint?.States ?? 0);
        (StoredNumber, StoredPosition, WritingPosition) = (checkpoint?.Number ?? 0, checkpoint?.Position, null);
        StoreIsEmpty = checkpoint is null;
        var header = CheckpointHeader.Read(checkpoint?.Header ?? default, OwnSection);
        RestoreOwn(header[OwnSection] ?? default);
        Log = header[CheckpointHeader.Section.Log] is { } log ? LogOf(log) : null;
        if (checkpoint is not null)
            RestoreEdges(header[CheckpointHeader.Section.Edges]);
    }

    private void RestoreEdges(ReadOnlyMemory<byte>? section)
    {
        var stored = section is { } bytes ? EdgeReach.Read(bytes) : [];
        DroppedEdges = _router.Restore(stored, isBeforeEdges: section is null, view => new(view.Name, view.Build)
        {
            ChunkStates = Options.ChunkStates, ChunkBytes = Options.ChunkBytes,
        });
        EdgesChanged = DroppedEdges.Count > 0 || Edges.Any(edge => !edge.IsWhole && !stored.Contains(edge));
    }

    internal override IEnumerable<EdgeReach> Edges => _router.Edges;

    internal override FoldOutput Fence(EdgeReach edge)
    {
        Require(FoldPhase.Between);
        var output = new FoldOutput();
        _router.Fence(edge, output.Frames);
        return output;
    }

    internal override FoldOutput Backfill(EdgeReach edge, IReadOnlyList<StoredState> states, bool isEnd)
    {
        Require(FoldPhase.Between);
        if (edge.Stage != EdgeReach.Stages.Planned || NextOffset < edge.ChunkAt || StoredNumber == 0
            || HasUnstored || DirtyEntries > 0 || WritingPosition is not null)
            throw new BrokenInvariantException($"{Id} would send stored states to '{edge.View}' while it has others.");
        var output = new FoldOutput();
        _router.Backfill(
            edge, states.Select(state => (state, (Func<TState?>)(() => Format.Read(state.State.ToArray())))), isEnd,
            output.Frames, output.DeadLetters);
        EdgesChanged = true;
        return output;
    }

    internal override void SupplyStates(IReadOnlyList<StoredState> states)
    {
        foreach (var entry in _asked)
            entry.Load(null, -1, 0);
        _asked.Clear();
        foreach (var state in states)
        {
            var entry = Table.Find(state.Key)!;
            entry.Load(state.State.ToArray(), state.Offset, state.Timestamp);
            Table.Recount(entry);
        }
    }

    internal override FoldOutput Fold()
    {
        Require(FoldPhase.Prepared);
        Output = new() { Repeats = Repeats };
        Repeats = 0;
        FoldPrepared();
        Phase = FoldPhase.Between;
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

    internal override CheckpointWrite BeginCheckpoint()
    {
        Require(FoldPhase.Between);
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
            if (entry.Stored(Format) is { } state)
                upserts.Add(new(entry.Key, state, entry.Offset, entry.Timestamp));
            else
                deletes.Add(entry.Key);
            for (var slot = 0; slot < (entry.Reductions?.Length ?? 0); slot++)
                entry.Reductions![slot].BeginCheckpoint(entry.Key, slot, contributions, contributionDeletes);
            entry.Failed?.BeginCheckpoint(entry.Key, FailedMembers.Slot, contributions, contributionDeletes);
        }

        WritingPosition = NextOffset;
        (EdgesChanged, DroppedEdges) = (false, []);
        _writing.AddRange(_dirty);
        _dirty.Clear();
        (_writingBytes, _dirtyBytes) = (_dirtyBytes, 0);
        return new()
        {
            Partition = Id,
            Checkpoint = new(StoredNumber + 1, NextOffset, States, WriteHeader()),
            Upserts = upserts,
            Deletes = deletes,
            ContributionUpserts = contributions,
            ContributionDeletes = contributionDeletes,
        };
    }

    internal override void CheckpointWritten()
    {
        Require(FoldPhase.Between);
        StoredNumber++;
        (StoredPosition, WritingPosition) = (
            WritingPosition ?? throw new BrokenInvariantException($"No checkpoint of {Id} is under way."), null);
        foreach (var entry in _writing)
        {
            entry.MoveTo(entry.Status == EntryStatus.Writing ? EntryStatus.Stored : EntryStatus.Changed);
            foreach (var slot in entry.Reductions ?? [])
                slot.CheckpointWritten();
            entry.Failed?.CheckpointWritten();
            Table.Recount(entry);
        }

        _writing.Clear();
        _writingBytes = 0;
    }

    private byte[] WriteHeader()
    {
        var header = new CheckpointHeader
        {
            [OwnSection] = WriteOwn(), [CheckpointHeader.Section.Edges] = EdgeReach.Write(Edges),
        };
        if (Log is { } log)
        {
            var writer = new ArrayBufferWriter<byte>();
            writer.WriteText(log.Topic ?? "");
            writer.WriteVarInt((ulong)(log.Epoch + 1));
            header[CheckpointHeader.Section.Log] = writer.WrittenMemory;
        }

        return header.Write();
    }

    private static LogIdentity LogOf(ReadOnlyMemory<byte> section)
    {
        var reader = new VarIntReader(section);
        var topic = reader.ReadText();
        return new(topic.Length == 0 ? null : topic, (int)reader.ReadVarInt() - 1);
    }

    /// <summary>The section of what only entities or only views keep.</summary>
    private protected abstract CheckpointHeader.Section OwnSection { get; }

    private protected abstract byte[] WriteOwn();

    private protected abstract void RestoreOwn(ReadOnlyMemory<byte> bytes);

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

    /// <summary>Whether the stored form of a key's next state is needed, to route it or to give it out.</summary>
    private protected bool WantsBytes(StateEntry<TState> entry) =>
        _router.HasRoutes || (WatchedKeys.Count > 0 && WatchedKeys.Contains(entry.Key));

    /// <summary>Takes the state that a fold gave for a key.</summary>
    /// <exception cref="UnstorableStateException">It cannot be stored.</exception>
    private protected TakenState<TState> Take(StateEntry<TState> entry, TState? state)
    {
        if (state is null)
            return default;
        var wantsBytes = WantsBytes(entry);
        // What is there already need not be taken once more.
        return entry.Holds(state, Format) ? new(state, wantsBytes ? entry.Stored(Format) : null, 0, false) : Format.Take(state, wantsBytes);
    }

    /// <summary>
    /// Takes a key's state to one that was taken. What is equal as it would be stored is no change, but was folded all the same.
    /// </summary>
    private protected void Step(
        StateEntry<TState> entry, in TakenState<TState> taken, long offset, int index, long timestamp, in Cause cause)
    {
        var existed = entry.Exists;
        if (WantsBytes(entry))
            Change(entry, taken, offset, index, timestamp, cause);
        else if (!entry.Holds(taken.State, Format))
            entry.Set(taken, Format);
        States += (entry.Exists ? 1 : 0) - (existed ? 1 : 0);
        (entry.Offset, entry.Timestamp) = (offset, timestamp);
        MarkDirty(entry);
        Output.Folded++;
    }

    private protected void MarkDirty(StateEntry<TState> entry)
    {
        Table.Recount(entry);
        if (entry.Status is EntryStatus.Changed or EntryStatus.ChangedWhileWriting)
            return;
        entry.MoveTo(entry.Status == EntryStatus.Writing ? EntryStatus.ChangedWhileWriting : EntryStatus.Changed);
        _dirty.Add(entry);
        _dirtyBytes += entry.CountedBytes;
    }

    /// <summary>Sets aside what cannot be folded, or stops at it, as the dataset declares.</summary>
    /// <returns>False when the dataset stops.</returns>
    private protected bool SetAside(in Fault fault)
    {
        Output.DeadLetters.Add(new(
            Dataset.Name, new(Dataset.Topic, Partition, fault.Offset), fault.Index, fault.Key, fault.Reason, fault.Error is null
                ? null
                : ExceptionText.WithStack(fault.Error), fault.Value, fault.Timestamp)
        {
            Kind = fault.Kind,
            KeyBytes = fault.KeyBytes,
            Headers = fault.Headers ?? [],
            First = fault.First,
        });
        if (SetsAside(fault.Offset))
            return true;
        Output.StoppedAt = fault.Offset;
        return false;
    }

    private void Change(StateEntry<TState> entry, in TakenState<TState> taken, long offset, int index, long timestamp, in Cause cause)
    {
        var storedBefore = entry.Stored(Format);
        if (storedBefore is null ? taken.Stored is null : storedBefore.AsSpan().SequenceEqual(taken.Stored))
            return;
        var before = _router.HasRoutes ? entry.State(Format) : null;
        entry.Set(taken, Format);
        if (_router.HasRoutes)
            _router.Route(
                entry.Key, before, taken.State, new(offset, index, timestamp, cause.Root, storedBefore, taken.Stored), Output.Frames,
                    Output.DeadLetters);
        if (WatchedKeys.Contains(entry.Key))
            Output.Watched.Add(new(entry.Key, storedBefore, taken.Stored, new(Partition, offset, index), timestamp, cause));
    }

    private StateRow Row(StateEntry<TState> entry) => new(entry.Key, entry.Stored(Format), entry.Offset, entry.Timestamp);

    /// <summary>Why something cannot be folded.</summary>
    private protected readonly record struct Fault(
        long Offset, int Index, long Timestamp, string? Key, ReadOnlyMemory<byte>? Value, string Reason, Exception? Error)
    {
        internal FaultKind Kind { get; init; }

        internal ReadOnlyMemory<byte>? KeyBytes { get; init; }

        internal IReadOnlyList<RecordHeader>? Headers { get; init; }

        internal DeadLetterId? First { get; init; }
    }
}
