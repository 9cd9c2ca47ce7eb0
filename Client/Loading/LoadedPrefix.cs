using System.Runtime.CompilerServices;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading;

/// <summary>
/// Skips the records of a source that an earlier load of it appended. What a broken-off load leaves is, in each partition, a beginning
/// of the source's records for it. So the source and the partitions are read side by side, each record compared with the next one of
/// its partition, with no more in memory than a page a partition.
/// </summary>
internal sealed class LoadedPrefix(TopicEnds ends, JsonSerializerOptions options, Action skipped)
{
    public async IAsyncEnumerable<AppendRecord> SkipAsync(
        IAsyncEnumerable<AppendRecord> source, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var partitions = ends.Partitions.Select(p => ends.ReadRecordsAsync(p.Partition, p.Start, p.End, cancellationToken)
            .GetAsyncEnumerator(cancellationToken)).ToArray();
        var ended = new bool[partitions.Length];
        try
        {
            await foreach (var record in source.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                var partition = Partitioner.PartitionOf(record.Key, partitions.Length, ends.Partitioner);
                if (!ended[partition] && await IsThereAsync(partitions[partition], record).ConfigureAwait(false))
                {
                    skipped();
                    continue;
                }

                ended[partition] = true;
                yield return record;
            }

            await ThrowIfMoreAsync(partitions, ended).ConfigureAwait(false);
        }
        finally
        {
            foreach (var partition in partitions)
                await partition.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> IsThereAsync(IAsyncEnumerator<LogRecord> partition, AppendRecord record)
    {
        if (!await partition.MoveNextAsync().ConfigureAwait(false))
            return false;
        return SameRecord.Is(record, partition.Current, options) ? true : throw Foreign(partition.Current);
    }

    // The input may have become shorter than it was, which means that it is not the same input.
    private async ValueTask ThrowIfMoreAsync(IAsyncEnumerator<LogRecord>[] partitions, bool[] ended)
    {
        for (var p = 0; p < partitions.Length; p++)
        {
            if (!ended[p] && await partitions[p].MoveNextAsync().ConfigureAwait(false))
                throw Foreign(partitions[p].Current);
        }
    }

    private ForeignRecordException Foreign(LogRecord record) => new(ends.Topic, record.Partition, record.Offset, record.Key);
}
