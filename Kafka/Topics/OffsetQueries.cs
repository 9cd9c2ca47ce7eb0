using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using ClientPartition = Confluent.Kafka.TopicPartition;
using TopicPartition = ActorStreams.Log.TopicPartition;

namespace ActorStreams.Kafka.Topics;

/// <summary>Asks the brokers for offsets: one request a broker, however many the partitions.</summary>
internal sealed class OffsetQueries(IAdminClient admin, TimeSpan timeout, TimeProvider time)
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The first offset kept and the end of each partition. The end is that of what is readable: before the first open transaction.
    /// </summary>
    public async Task<OffsetRange[]> RangesAsync(IReadOnlyList<TopicPartition> partitions)
    {
        var (starts, ends) = (ListAsync(partitions, OffsetSpec.Earliest()), ListAsync(partitions, OffsetSpec.Latest()));
        await Task.WhenAll(starts, ends).ConfigureAwait(false);
        var (first, last) = (await starts.ConfigureAwait(false), await ends.ConfigureAwait(false));
        return [.. partitions.Select((_, i) => new OffsetRange(first[i], Math.Max(first[i], last[i])))];
    }

    /// <summary>The end of each partition.</summary>
    public Task<long[]> EndsAsync(IReadOnlyList<TopicPartition> partitions) => ListAsync(partitions, OffsetSpec.Latest());

    /// <summary>The first offset whose record is stamped at or after this; null when there is none.</summary>
    public async Task<long?> FirstStampedAsync(TopicPartition partition, long milliseconds) =>
        (await ListAsync([partition], OffsetSpec.ForTimestamp(milliseconds)).ConfigureAwait(false))[0] is >= 0 and var offset
            ? offset
            : null;

    /// <summary>While a leader changes the brokers have no answer for a moment, which is not worth an error to the caller.</summary>
    private async Task<long[]> ListAsync(IReadOnlyList<TopicPartition> partitions, OffsetSpec spec)
    {
        for (var since = time.GetTimestamp(); ;)
        {
            try
            {
                return await ListOnceAsync(partitions, spec).ConfigureAwait(false);
            }
            catch (LogUnavailableException) when (time.GetElapsedTime(since) < timeout)
            {
                await Task.Delay(Retry, time).ConfigureAwait(false);
            }
        }
    }

    private async Task<long[]> ListOnceAsync(IReadOnlyList<TopicPartition> partitions, OffsetSpec spec)
    {
        var options = new ListOffsetsOptions { RequestTimeout = timeout, IsolationLevel = IsolationLevel.ReadCommitted };
        List<ListOffsetsResultInfo> infos;
        try
        {
            var asked = partitions.Select(
                p => new TopicPartitionOffsetSpec { TopicPartition = new(p.Topic, p.Partition), OffsetSpec = spec });
            infos = (await admin.ListOffsetsAsync(asked, options).ConfigureAwait(false)).ResultInfos;
        }
        catch (ListOffsetsException error)
        {
            infos = error.Result.ResultInfos;
        }
        catch (KafkaException error)
        {
            throw KafkaFaults.Unavailable($"The offsets of {partitions[0]} cannot be asked for", error.Error, error);
        }

        var offsets = infos.ToDictionary(
            info => info.TopicPartitionOffsetError.TopicPartition, info => Checked(info.TopicPartitionOffsetError));
        return [.. partitions.Select(p => offsets[new ClientPartition(p.Topic, p.Partition)])];
    }

    private static long Checked(TopicPartitionOffsetError found) => found.Error switch
    {
        { IsError: false } => found.Offset.Value,
        var error when error.IsUnknownTopic() => throw UnknownTopicException.Topic(found.Topic),
        var error => throw KafkaFaults.Unavailable($"The offsets of {found.Topic}/{found.Partition.Value} cannot be told", error),
    };
}
