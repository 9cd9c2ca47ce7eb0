using System.Runtime.CompilerServices;

namespace ActorStreams.Log;

/// <summary>What every change log can do by what <see cref="IChangeLog"/> has: cuts, and reading up to one.</summary>
public static class ChangeLogExtensions
{
    /// <summary>The cut at the present end of these topics.</summary>
    public static async ValueTask<Cut> CutAtEndAsync(
        this IChangeLog log, IEnumerable<string> topics, CancellationToken cancellationToken = default)
    {
        var offsets = new Dictionary<TopicPartition, long>();
        foreach (var topic in topics)
        {
            var ranges = await log.OffsetsAsync(topic, cancellationToken).ConfigureAwait(false);
            for (var partition = 0; partition < ranges.Count; partition++)
                offsets[new(topic, partition)] = ranges[partition].End;
        }

        return new(offsets);
    }

    /// <summary>The cut of an instant: in each partition the longest prefix whose timestamps are all at or before it.</summary>
    public static async ValueTask<Cut> CutAtAsync(
        this IChangeLog log, IEnumerable<string> topics, DateTimeOffset instant, CancellationToken cancellationToken = default)
    {
        var offsets = new Dictionary<TopicPartition, long>();
        foreach (var topic in topics)
        {
            var partitions = (await log.OffsetsAsync(topic, cancellationToken).ConfigureAwait(false)).Count;
            for (var partition = 0; partition < partitions; partition++)
                offsets[new(topic, partition)] = await log.OffsetAtAsync(
                    new(topic, partition), instant, cancellationToken).ConfigureAwait(false);
        }

        return new(offsets);
    }

    /// <summary>
    /// Reads the records from an offset up to, and without, another; then completes. Batches are trimmed at <paramref name="toOffset"/>.
    /// </summary>
    public static async IAsyncEnumerable<RecordBatch> ReadRangeAsync(
        this IChangeLog log, TopicPartition partition, long fromOffset, long toOffset, ReadLimits limits,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (fromOffset >= toOffset)
            yield break;
        var batches = log.ReadAsync(partition, fromOffset, limits, cancellationToken: cancellationToken);
        await foreach (var batch in batches.ConfigureAwait(false))
        {
            yield return batch.NextOffset <= toOffset ? batch : batch.Before(toOffset);
            if (batch.NextOffset >= toOffset)
                yield break;
        }
    }

    /// <summary>The part of a batch from an offset on.</summary>
    internal static RecordBatch From(this RecordBatch batch, long offset) => new()
    {
        Partition = batch.Partition,
        Records = [.. batch.Records.SkipWhile(record => record.Offset < offset)],
        NextOffset = batch.NextOffset,
        EndOffset = batch.EndOffset,
        Log = batch.Log,
    };

    /// <summary>The part of a batch before an offset.</summary>
    internal static RecordBatch Before(this RecordBatch batch, long offset)
    {
        List<ChangeRecord> records = [.. batch.Records.TakeWhile(record => record.Offset < offset)];
        return new()
        {
            Partition = batch.Partition,
            Records = records,
            NextOffset = Math.Min(batch.NextOffset, offset),
            EndOffset = batch.EndOffset,
            Log = records.Count > 0 ? batch.Log : batch.Log?.WithoutEpoch,
        };
    }
}
