using ActorStreams.Log;
using ActorStreams.Reducing;
using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>Takes a batch through the three steps of <see cref="PartitionFold"/>, asking the store between them.</summary>
internal static class FoldSteps
{
    /// <summary>How many contributions one query may return. They are in memory twice until the fold has them.</summary>
    private const int MaxScannedRows = 50_000;

    /// <summary>Folds a batch. <paramref name="publish"/> sees the output before any reader can see the new states.</summary>
    /// <param name="fold">The partition.</param>
    /// <param name="batch">The batch; it begins at the fold's next offset.</param>
    /// <param name="store">Where states are that are not in memory; null when everything is.</param>
    /// <param name="publish">Called under the fold's gate.</param>
    /// <param name="cancellationToken">Cancels asking the store. The fold is then worthless.</param>
    /// <exception cref="StaleOwnerException">Another owner has written a checkpoint: stop, and send nothing of this batch on.</exception>
    internal static async ValueTask<FoldOutput> FoldAsync(
        this PartitionFold fold, RecordBatch batch, IStateStore? store, Action<FoldOutput>? publish = null,
        CancellationToken cancellationToken = default)
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

        if (needs.Counts.Count == 0)
            return;
        var counts = await store.LoadContributionsAsync(fold.Id, needs.Counts, cancellationToken).ConfigureAwait(false);
        lock (fold.Gate)
            side.SupplyCounts(counts);
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
        var position = (await store.ReadCheckpointAsync(fold.Id, cancellationToken).ConfigureAwait(false))?.Position;
        if (position != fold.StoredPosition && (position is null || position != fold.WritingPosition))
            throw new StaleOwnerException(fold.Id, fold.StoredPosition, position);
    }
}
