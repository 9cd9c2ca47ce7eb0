using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Reducing;
using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>Takes a batch through the three steps of <see cref="PartitionFold"/>, asking the store between them.</summary>
internal static class FoldSteps
{
    /// <summary>How many contributions one query may return. They are in memory twice until the fold has them.</summary>
    private const int MaxScannedRows = 50_000;

    /// <summary>Stored states that are read in one go for a backfill.</summary>
    private const int BackfillPage = 128;

    /// <summary>
    /// Folds a batch, in several parts when it is large. <paramref name="publish"/> sees the output of each part before any reader can see
    /// the new states.
    /// </summary>
    /// <param name="fold">The partition.</param>
    /// <param name="batch">The batch; it begins at the fold's next offset.</param>
    /// <param name="store">Where states are that are not in memory; null when everything is.</param>
    /// <param name="publish">Called under the fold's gate.</param>
    /// <param name="cancellationToken">Cancels asking the store. The fold is then worthless.</param>
    /// <returns>The output of the whole batch.</returns>
    /// <exception cref="StaleOwnerException">Another owner has written a checkpoint: stop, and send nothing of this batch on.</exception>
    internal static async ValueTask<FoldOutput> FoldAsync(
        this PartitionFold fold, RecordBatch batch, IStateStore? store, Action<FoldOutput>? publish = null,
        CancellationToken cancellationToken = default)
    {
        FoldOutput? whole = null;
        foreach (var slice in fold.SlicesOf(batch))
        {
            var output = await fold.FoldSliceAsync(slice, store, publish, cancellationToken).ConfigureAwait(false);
            if (whole is null)
                whole = output;
            else
                whole.Add(output);
            if (output.StoppedAt is not null)
                break;
        }

        return whole!;
    }

    private static async ValueTask<FoldOutput> FoldSliceAsync(
        this PartitionFold fold, RecordBatch batch, IStateStore? store, Action<FoldOutput>? publish, CancellationToken cancellationToken)
    {
        FoldNeeds needs;
        lock (fold.Gate)
            needs = fold.Prepare(batch);
        if (needs.Any)
            await fold.SupplyAsync(needs, store, cancellationToken).ConfigureAwait(false);
        lock (fold.Gate)
        {
            var output = fold.Fold();
            publish?.Invoke(output);
            fold.Trim();
            return output;
        }
    }

    /// <summary>
    /// A batch in parts of at most <see cref="FoldOptions.SliceBytes"/>, each of at least one record: a record may hold many times its
    /// bytes, compressed.
    /// </summary>
    private static IEnumerable<RecordBatch> SlicesOf(this PartitionFold fold, RecordBatch batch)
    {
        var (first, bytes) = (0, 0L);
        for (var i = 0; i < batch.Records.Count; i++)
        {
            var weight = fold.WeightOf(batch.Records[i]);
            if (i > first && bytes + weight > fold.Options.SliceBytes)
            {
                yield return Part(batch, first, i, batch.Records[i - 1].Offset + 1);
                (first, bytes) = (i, 0);
            }

            bytes += weight;
        }

        yield return first == 0 ? batch : Part(batch, first, batch.Records.Count, batch.NextOffset);
    }

    private static RecordBatch Part(RecordBatch batch, int first, int end, long nextOffset) => new()
    {
        Partition = batch.Partition,
        Records = [.. batch.Records.Skip(first).Take(end - first)],
        NextOffset = nextOffset,
        EndOffset = batch.EndOffset,
    };

    private static async ValueTask SupplyAsync(
        this PartitionFold fold, FoldNeeds needs, IStateStore? store, CancellationToken cancellationToken)
    {
        if (store is null)
            throw new InvalidOperationException(
                $"{fold.Id} needs states from a store, but has none: fold in memory with "
                + $"{nameof(FoldOptions)}.{nameof(FoldOptions.InMemory)}.");
        IReadOnlyList<StoredState> states = needs.Keys.Count == 0
            ? [] : await store.LoadAsync(fold.Id, needs.Keys, cancellationToken).ConfigureAwait(false);
        if (fold.Contributions is { } side)
            await fold.SupplyContributionsAsync(side, needs.Contributions, store, cancellationToken).ConfigureAwait(false);
        await fold.CheckOwnershipAsync(store, cancellationToken).ConfigureAwait(false);
        if (needs.Keys.Count == 0)
            return;
        // Only now: readers see the states that are supplied, and must not see those of a successor.
        lock (fold.Gate)
            fold.SupplyStates(states);
    }

    private static async ValueTask SupplyContributionsAsync(
        this PartitionFold fold, IContributionFold side, ContributionNeeds needs, IStateStore store, CancellationToken cancellationToken)
    {
        foreach (var scans in Bounded(needs.Scans))
        {
            var found = await store.ScanContributionsAsync(fold.Id, scans, cancellationToken).ConfigureAwait(false);
            lock (fold.Gate)
            {
                for (var i = 0; i < scans.Count; i++)
                    side.SupplyScan(scans[i], found[i]);
            }
        }

        if (needs.Rows.Count == 0)
            return;
        var rows = await store.LoadContributionsAsync(fold.Id, needs.Rows, cancellationToken).ConfigureAwait(false);
        lock (fold.Gate)
            side.SupplyRows(rows);
    }

    /// <summary>Cuts scans into queries of at most <see cref="MaxScannedRows"/> contributions, but at least one scan.</summary>
    private static IEnumerable<List<ContributionScan>> Bounded(List<ContributionScan> scans)
    {
        var (from, rows) = (0, 0L);
        for (var i = 0; i < scans.Count; i++)
        {
            if (i > from && rows + scans[i].Limit > MaxScannedRows)
            {
                yield return scans[from..i];
                (from, rows) = (i, 0);
            }

            rows += scans[i].Limit;
        }

        if (from < scans.Count)
            yield return scans[from..];
    }

    /// <summary>
    /// What was read is of this owner's own checkpoint only if no other owner has written one since. Folding on a successor's
    /// states would make changes that never were, and some of them could pass the marks of their views. Positions never go back,
    /// so asking afterwards suffices.
    /// </summary>
    private static async ValueTask CheckOwnershipAsync(this PartitionFold fold, IStateStore store, CancellationToken cancellationToken)
    {
        var found = await store.ReadCheckpointAsync(fold.Id, cancellationToken).ConfigureAwait(false);
        if (!fold.IsOwn(found?.Number ?? 0, found?.Position))
            throw new StaleOwnerException(fold.Id, fold.StoredNumber, found?.Number ?? 0);
    }

    /// <summary>Sends the next chunk of stored states to a view that is being backfilled. Everything is stored.</summary>
    /// <returns>What is to be appended before the next checkpoint.</returns>
    /// <exception cref="StaleOwnerException">Another owner has written a checkpoint: stop, and send nothing on.</exception>
    internal static async ValueTask<FoldOutput> BackfillAsync(
        this PartitionFold fold, EdgeReach edge, IStateStore store, CancellationToken cancellationToken = default)
    {
        List<StoredState> chunk = [];
        var (bytes, isEnd) = (0L, false);
        while (!isEnd && chunk.Count < edge.ChunkStates && bytes < edge.ChunkBytes)
        {
            var after = chunk.Count == 0 ? edge.Cursor : chunk[^1].Key;
            var page = await store.ScanAsync(fold.Id, "", after, BackfillPage, cancellationToken).ConfigureAwait(false);
            isEnd = page.Count < BackfillPage;
            foreach (var state in page)
            {
                if (chunk.Count == edge.ChunkStates || bytes >= edge.ChunkBytes)
                {
                    isEnd = false;
                    break;
                }

                chunk.Add(state);
                bytes += state.State.Length;
            }
        }

        await fold.CheckOwnershipAsync(store, cancellationToken).ConfigureAwait(false);
        lock (fold.Gate)
            return fold.Backfill(edge, chunk, isEnd);
    }
}
