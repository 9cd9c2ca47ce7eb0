using System.Runtime.CompilerServices;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;

namespace ActorStreams.Grains.Partitions;

/// <summary>The changes of one key, folded again from its records in the log: for what is no longer in memory.</summary>
internal static class KeyHistory
{
    /// <summary>The changes after a place, up to and without an offset.</summary>
    internal static async IAsyncEnumerable<WatchedChange> FoldAsync(
        PartitionServices services, Dataset dataset, int partition, string key, ChangePlace since, long toOffset, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await services.HistoryFolds.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var fold = dataset.CreateFold(partition, FoldOptions.InMemory);
            fold.OnlyKey = key;
            fold.WatchedKeys.Add(key);
            var input = new TopicPartition(dataset.Topic, partition);
            await foreach (var batch in services.Log.ReadRangeAsync(input, 0, toOffset, ReadLimits.Default, cancellationToken).ConfigureAwait(false))
            {
                var output = await fold.FoldAsync(batch, store: null, cancellationToken: cancellationToken).ConfigureAwait(false);
                foreach (var change in output.Watched.Where(change => ChangePlace.Of(change).CompareTo(since) > 0))
                    yield return change;
            }
        }
        finally
        {
            services.HistoryFolds.Release();
        }
    }
}
