using System.Runtime.CompilerServices;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// The changes of one key, folded again from its records in the log: for what is no longer in memory. How many fold at once is bounded; a reader who takes
/// the changes slowly keeps only those of one batch, and nobody waits for him.
/// </summary>
internal static class KeyHistory
{
    /// <summary>The changes after a place, up to and without an offset.</summary>
    internal static async IAsyncEnumerable<WatchedChange> FoldAsync(
        PartitionServices services, Dataset dataset, int partition, string key, ChangePlace since, long toOffset, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var fold = dataset.CreateFold(partition, FoldOptions.InMemory);
        fold.OnlyKey = key;
        fold.WatchedKeys.Add(key);
        var start = (await services.Log.OffsetsAsync(dataset.Topic, cancellationToken).ConfigureAwait(false))[partition].Start;
        if (start > 0)
        {
            throw new WatchPositionException(
                $"The changes of '{key}' after {dataset.Topic}/{partition}:{since.Offset} are no longer in memory, and the log no longer keeps the records before {start} that they would be folded from. Watch again from the present state.");
        }

        for (var offset = 0L; offset < toOffset;)
        {
            (var changes, offset) = await FoldOneBatchAsync(services, fold, offset, toOffset, cancellationToken).ConfigureAwait(false);
            foreach (var change in changes.Where(change => ChangePlace.Of(change).CompareTo(since) > 0))
                yield return change;
        }
    }

    private static async ValueTask<(IReadOnlyList<WatchedChange> Changes, long NextOffset)> FoldOneBatchAsync(
        PartitionServices services, PartitionFold fold, long offset, long toOffset, CancellationToken cancellationToken)
    {
        await services.HistoryFolds.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var input = new TopicPartition(fold.Dataset.Topic, fold.Partition);
            await foreach (var batch in services.Log.ReadRangeAsync(input, offset, toOffset, ReadLimits.Default, cancellationToken).ConfigureAwait(false))
                return ((await fold.FoldAsync(batch, store: null, cancellationToken: cancellationToken).ConfigureAwait(false)).Watched, batch.NextOffset);
            return ([], toOffset);
        }
        finally
        {
            services.HistoryFolds.Release();
        }
    }
}
