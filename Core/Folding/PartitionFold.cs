using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Frames;
using ActorStreams.Formats;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>
/// The heart: one partition of one dataset, as a pure function of its states and its input log (semantics §4 and §5). A batch goes through
/// three steps, so that the shell alone ever waits:
/// <code>
/// Prepare(batch) → what is not in memory → Supply(what the store has of it) → Fold() → frames, dead letters
/// </code>
/// A checkpoint is two steps, between batches: <see cref="BeginCheckpoint"/> hands out what changed, <see cref="CheckpointWritten"/> says
/// that it is durable. After any exception what is in memory is worthless: drop this object and restore another from the checkpoint. The
/// owner's loop and readers share it under <see cref="Gate"/>.
/// </summary>
internal abstract class PartitionFold(Dataset dataset, int partition, FoldOptions options)
{
    internal Lock Gate { get; } = new();

    internal Dataset Dataset { get; } = dataset;

    internal int Partition { get; } = partition;

    internal PartitionId Id => new(Dataset.Name, Dataset.Build, Partition);

    internal FoldOptions Options { get; } = options;

    /// <summary>The number of the last checkpoint that this owner knows to be written; 0 for none.</summary>
    internal long StoredNumber { get; private protected set; }

    /// <summary>The position of that checkpoint; null for none.</summary>
    internal long? StoredPosition { get; private protected set; }

    /// <summary>The position of the checkpoint under way; null when there is none.</summary>
    internal long? WritingPosition { get; private protected set; }

    /// <summary>True when something is folded, or an edge has changed, that no checkpoint has or is getting.</summary>
    internal bool HasUnstored => NextOffset != (StoredPosition ?? 0) || EdgesChanged;

    /// <summary>The edges to the views that are fed from here.</summary>
    internal abstract IEnumerable<EdgeReach> Edges { get; }

    /// <summary>Edges that the checkpoint had to views that are here no more; they go with the next checkpoint.</summary>
    internal IReadOnlyList<EdgeReach> DroppedEdges { get; private protected set; } = [];

    /// <summary>Whether the edges differ from those of the last checkpoint that began.</summary>
    private protected bool EdgesChanged { get; set; }

    /// <summary>The edge of a view that is to be backfilled next; null for none.</summary>
    internal EdgeReach? Backfilling => Edges.FirstOrDefault(edge => !edge.IsWhole);

    /// <summary>The edge that a chunk is being sent of; null for none. There is one at a time.</summary>
    internal EdgeReach? Chunking => Edges.FirstOrDefault(edge => edge.Stage is EdgeReach.Stages.Fencing or EdgeReach.Stages.Planned);

    /// <summary>Whether the edge in hand has to go on before the next record is folded.</summary>
    internal bool IsChunkDue => Chunking is { } edge && (edge.Stage == EdgeReach.Stages.Fencing || edge.ChunkAt <= NextOffset);

    /// <summary>The next checkpoint begins a new epoch of an edge.</summary>
    internal void BeginChunk(EdgeReach edge)
    {
        edge.Fence();
        EdgesChanged = true;
    }

    /// <summary>What tells the view's partitions the new epoch, to be appended before anything else.</summary>
    internal abstract FoldOutput Fence(EdgeReach edge);

    /// <summary>
    /// The view's partitions have been told, and the input log ends at an offset: the next checkpoint says when the chunk comes.
    /// </summary>
    internal void PlanChunk(EdgeReach edge, long endOffset)
    {
        edge.Plan(Math.Max(endOffset, NextOffset));
        EdgesChanged = true;
    }

    /// <summary>
    /// Sends a chunk of stored states to a view that lacks them, at the offset that was planned. Everything is stored, and the chunk is
    /// what the store has after the edge's cursor: so it is a function of the log (semantics §7).
    /// </summary>
    /// <exception cref="BrokenInvariantException">Something is not stored.</exception>
    internal abstract FoldOutput Backfill(EdgeReach edge, IReadOnlyList<StoredState> states, bool isEnd);

    /// <summary>
    /// Whether a stored checkpoint is the one that this owner wrote, or is writing. Another owner may have written the number that this one
    /// is writing: what it stored is the same only at the same position.
    /// </summary>
    internal bool IsOwn(long number, long? position) =>
        number == StoredNumber || (WritingPosition is { } writing && number == StoredNumber + 1 && position == writing);

    /// <summary>The next offset of the input log to fold.</summary>
    internal long NextOffset { get; private protected set; }

    /// <summary>Which log <see cref="NextOffset"/> was reached in; null where nothing was folded, or it was not recorded.</summary>
    internal LogIdentity? Log { get; private protected set; }

    /// <summary>How many states there are.</summary>
    internal long States { get; private protected set; }

    /// <summary>Records folded whose key belongs to another partition of the topic.</summary>
    internal long MisplacedRecords { get; private protected set; }

    /// <summary>The offset of the first of them; -1 for none.</summary>
    internal long FirstMisplaced { get; private protected set; } = -1;

    /// <summary>
    /// Records before this offset were folded when the topic was declared to have another partitioner, so it is unknown which of them are
    /// misplaced.
    /// </summary>
    internal long CountedFrom { get; private protected set; }

    /// <summary>Whether keys that belong to other partitions may stand here.</summary>
    internal bool MayHoldMisplacedKeys => MisplacedRecords > 0 || CountedFrom > 0;

    /// <summary>The records set aside that may be redriven; null for a view, of which none may be.</summary>
    internal virtual SetAsideOffsets? OpenDeadLetters => null;

    /// <summary>
    /// Says that the log no longer has the records from <see cref="NextOffset"/> up to another offset, at which the next batch begins.
    /// </summary>
    internal virtual void SkipLost(long toOffset)
    {
    }

    /// <summary>Entries that the store does not have yet.</summary>
    internal abstract int DirtyEntries { get; }

    /// <summary>Bytes of states and contributions that the store does not have yet, about: what a checkpoint is to write.</summary>
    internal abstract long UnstoredBytes { get; }

    /// <summary>Bytes of the entries in memory, about.</summary>
    internal abstract long TableBytes { get; }

    /// <summary>Entries in memory.</summary>
    internal abstract int TableEntries { get; }

    /// <summary>Keys whose changes are to be given out.</summary>
    internal HashSet<string> WatchedKeys { get; } = new(StringComparer.Ordinal);

    /// <summary>When set, only these keys are folded: for folding the history of some keys again.</summary>
    internal KeySet? OnlyKeys { get; set; }

    /// <summary>The record that is to be set aside by order of an operator; null for none. It holds until the record is folded.</summary>
    internal SetAsideOrder? Order { get; set; }

    /// <summary>The offset of the record that <see cref="Order"/> met; null while it has met none.</summary>
    internal long? OrderedOffset { get; private set; }

    /// <summary>Begins at a checkpoint; null for the beginning of the log.</summary>
    internal abstract void Restore(Checkpoint? checkpoint);

    /// <summary>Decodes a batch, and returns what is not in memory. A batch begins at <see cref="NextOffset"/>.</summary>
    /// <exception cref="BrokenInvariantException">The batch is of another partition, or goes back behind
    /// <see cref="NextOffset"/>.</exception>
    internal FoldNeeds Prepare(RecordBatch batch)
    {
        if (batch.Partition.Topic != Dataset.Topic || batch.Partition.Partition != Partition)
            throw new BrokenInvariantException(
                $"{Id} is folded from {new TopicPartition(Dataset.Topic, Partition)}, but got a batch of {batch.Partition}.");
        var first = batch.Records.Count == 0 ? batch.NextOffset : batch.Records[0].Offset;
        if (first < NextOffset || batch.NextOffset < first)
            throw new BrokenInvariantException($"{Id} goes on at offset {NextOffset}, but got a batch from {first} to {batch.NextOffset}.");
        Require(FoldPhase.Between);
        if (IsChunkDue || batch.NextOffset > Chunking?.ChunkAt)
            throw new BrokenInvariantException(
                $"{Id} would fold from {NextOffset} to {batch.NextOffset} past the chunk of '{Chunking!.View}' at {Chunking.ChunkAt}.");
        Phase = FoldPhase.Prepared;
        if (Order is not null && OrderedOffset is null)
            OrderedOffset = FirstFrom(batch, Order.Offset);
        Log = batch.Log ?? Log;
        return PrepareBatch(batch);
    }

    /// <summary>
    /// Whether what cannot be folded of a record becomes a dead letter. The history of some keys is read behind the fold, which has set
    /// aside whatever it could not fold there: it never stops.
    /// </summary>
    private protected bool SetsAside(long offset) =>
        Dataset.BadRecords == BadRecords.SetAside || offset == OrderedOffset || OnlyKeys is not null;

    /// <summary>Why nothing of a record is to be folded; null for any that is not set aside as a whole.</summary>
    private protected string? FailureOf(long offset) => offset == OrderedOffset ? Order!.Failure : null;

    private static long? FirstFrom(RecordBatch batch, long offset)
    {
        foreach (var record in batch.Records)
        {
            if (record.Offset >= offset)
                return record.Offset;
        }

        return null;
    }

    /// <summary>Between batches, or in the middle of one; a checkpoint begins and ends between batches.</summary>
    private protected FoldPhase Phase { get; set; }

    /// <exception cref="BrokenInvariantException">The fold is in another phase.</exception>
    private protected void Require(FoldPhase phase)
    {
        if (Phase != phase)
            throw new BrokenInvariantException($"{Id} is {Phase}, but has to be {phase} for this step.");
    }

    /// <summary>The bytes of a record that folding it takes into memory: those of its decompressed form.</summary>
    internal virtual int WeightOf(in ChangeRecord record) => record.Size;

    private protected abstract FoldNeeds PrepareBatch(RecordBatch batch);

    internal abstract void SupplyStates(IReadOnlyList<StoredState> states);

    /// <summary>Where the contributions that a batch needs are supplied; null for a fold that keeps none.</summary>
    internal virtual IContributionFold? Contributions => null;

    /// <summary>Folds the prepared batch, record by record.</summary>
    internal abstract FoldOutput Fold();

    /// <summary>What changed since the last checkpoint began, to be written as one; one at a time.</summary>
    internal abstract CheckpointWrite BeginCheckpoint();

    internal abstract void CheckpointWritten();

    /// <summary>Lets states leave that the store has, down to the table's bound.</summary>
    internal abstract void Trim();

    /// <summary>A key's state as it is in memory; false when only the store may know it.</summary>
    internal abstract bool TryRead(string key, out StateRow row);

    /// <summary>The states of a key range that the store does not have as they are now, in no order.</summary>
    internal abstract List<StateRow> Unstored(string prefix, string? after);

    /// <summary>All states in memory: all there are, when no store stands behind.</summary>
    internal abstract IEnumerable<StateRow> All();
}

/// <summary>A key's state; null when it does not exist.</summary>
internal readonly record struct StateRow(string Key, byte[]? State, long Offset, long Timestamp);

/// <summary>Between ⇄ Prepared: where a fold stands. Preparing a batch leads from one to the other, and folding it back.</summary>
internal enum FoldPhase : byte
{
    /// <summary>Between batches.</summary>
    Between,

    /// <summary>A batch is prepared, and yet to be folded.</summary>
    Prepared,
}
