using ActorStreams.Log;

namespace ActorStreams.Grains.Appends;

/// <summary>Looks in the log for the records of an append that was broken off.</summary>
internal sealed class ClaimSearch(IChangeLog log, TimeProvider time)
{
    /// <summary>How long one request searches; the next continues where it ended.</summary>
    internal const int MaxSeconds = 5;

    /// <summary>Moves the claim's cursors to the present end of the log, and notes the records that lie before.</summary>
    /// <returns>False when the time was over first, or readers are held before the end (<see cref="IChangeLog.HeldAt"/>).</returns>
    /// <exception cref="RequestRefusedException">The log no longer has all the records in which they might be.</exception>
    internal async Task<bool> RunAsync(string topic, string id, AppendClaim claim)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(MaxSeconds), time);
        try
        {
            var kept = await log.OffsetsAsync(topic, limit.Token);
            var ends = await log.WrittenEndsAsync(topic, limit.Token);
            foreach (var (partition, from) in claim.Cursors.ToList())
            {
                var isThere = partition < Math.Min(kept.Count, ends.Count);
                var range = isThere ? new OffsetRange(kept[partition].Start, ends[partition]) : default;
                if (from < range.Start || from > range.End)
                    throw Undecidable(new(topic, partition), from, range);
                await RunAsync(new(topic, partition), ends[partition], id, claim, limit.Token);
            }

            return true;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task RunAsync(TopicPartition partition, long end, string id, AppendClaim claim, CancellationToken cancellationToken)
    {
        var from = claim.Cursors[partition.Partition];
        await foreach (var batch in log.ReadRangeAsync(partition, from, end, ReadLimits.Default, cancellationToken))
        {
            foreach (var record in batch.Records)
            {
                if (AppendKey.IndexOf(id, record) is { } index)
                    claim.Found(index, partition.Partition, record.Offset);
            }

            claim.Cursors[partition.Partition] = batch.NextOffset;
        }
    }

    private static RequestRefusedException Undecidable(TopicPartition partition, long from, OffsetRange range) => new(
        410, "The outcome is no longer known",
        $"An append with this idempotency key was broken off, and the log no longer says whether it happened: its records would lie in "
        + $"{partition} from offset {from} on, but the log has {range.Start} to {range.End} (the end). Read the topic, and append what is "
        + "missing with another key.");
}
