using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Confluent.Kafka;
using ClientTime = Confluent.Kafka.Timestamp;
using TopicPartition = ActorStreams.Log.TopicPartition;

namespace ActorStreams.Kafka.Topics;

// A consumer of its own asks, since the admin client's ListOffsets answers some partitions with neither an offset nor an error while
// leaders move. The consumer's own query asks each leader once, however many the partitions, and answers only when all leaders have. -2
// and -1 in the place of a time ask for the first offset kept and for the end; what was not answered keeps that number, and is asked for
// again.

/// <summary>Asks the brokers for offsets.</summary>
internal sealed class OffsetQueries : IAsyncDisposable
{
    private const long First = -2;
    private const long End = -1;

    /// <summary>Calls at the same time: each blocks a thread.</summary>
    private const int MaxCalls = 8;

    private static readonly TimeSpan MostTry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(100);

    private readonly RenewedClient<IConsumer<byte[], byte[]>> _consumer;
    private readonly BrokerTroubles _troubles;
    private readonly TopicDirectory _topics;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _try;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _places = new(MaxCalls);
    private readonly Lock _polling = new();

    /// <summary>Makes the consumer that asks.</summary>
    /// <param name="clients">What makes it.</param>
    /// <param name="topics">The topics that brokers list.</param>
    /// <param name="timeout">How long it is asked again where brokers have no answer.</param>
    /// <param name="time">The clock.</param>
    /// <param name="seesUndecided">Whether ends include records of transactions that are still open.</param>
    public OffsetQueries(KafkaClients clients, TopicDirectory topics, TimeSpan timeout, TimeProvider time, bool seesUndecided = false)
    {
        var name = seesUndecided ? "written offsets" : "offsets";
        _consumer = new(clients, settings => clients.Consumer(name, settings, seesUndecided));
        (_troubles, _topics, _timeout, _time) = (clients.Troubles, topics, timeout, time);
        _try = timeout < MostTry ? timeout : MostTry;
    }

    /// <summary>
    /// The first offset kept and the end of each partition. The end is that of what is readable: before the first open transaction.
    /// </summary>
    public async Task<OffsetRange[]> RangesAsync(IReadOnlyList<TopicPartition> partitions)
    {
        var (starts, ends) = (AskAsync(partitions, First), AskAsync(partitions, End));
        await Task.WhenAll(starts, ends).ConfigureAwait(false);
        var (first, last) = (await starts.ConfigureAwait(false), await ends.ConfigureAwait(false));
        return [.. partitions.Select((_, i) => new OffsetRange(first[i], Math.Max(first[i], last[i])))];
    }

    /// <summary>The end of each partition.</summary>
    public Task<long[]> EndsAsync(IReadOnlyList<TopicPartition> partitions) => AskAsync(partitions, End);

    /// <summary>The first offset whose record is stamped at or after this time, within a range; null when there is none.</summary>
    public async Task<long?> FirstStampedAsync(TopicPartition partition, long milliseconds, OffsetRange range)
    {
        var found = (await AskAsync([partition], milliseconds).ConfigureAwait(false))[0];
        return found >= range.Start && found < range.End ? found : null;
    }

    public async ValueTask DisposeAsync() => await _consumer.CloseAsync(LastWait, _time).ConfigureAwait(false);

    /// <summary>While a leader changes the brokers have no answer for a moment, which is not worth an error to the caller.</summary>
    private async Task<long[]> AskAsync(IReadOnlyList<TopicPartition> partitions, long time)
    {
        for (var since = _time.GetTimestamp(); ;)
        {
            try
            {
                return await AskOnceAsync(partitions, time).ConfigureAwait(false);
            }
            catch (LogUnavailableException error) when (_time.GetElapsedTime(since) < _timeout)
            {
                // A client whose view of the cluster is being renewed may not know a topic that is there.
                if (error.InnerException is KafkaException { Error: var cause } && cause.IsUnknownTopic())
                    await SeenAsync(partitions).ConfigureAwait(false);
                await Task.Delay(Retry, _time).ConfigureAwait(false);
            }
        }
    }

    /// <exception cref="UnknownTopicException">The brokers do not list the topic.</exception>
    private async Task SeenAsync(IReadOnlyList<TopicPartition> partitions)
    {
        var seen = await _topics.AskAsync(CancellationToken.None).ConfigureAwait(false);
        if (partitions.FirstOrDefault(p => !seen.Topics.ContainsKey(p.Topic)) is { Topic: { } missing })
            throw KafkaFaults.UnknownTopic(missing);
    }

    private async Task<long[]> AskOnceAsync(IReadOnlyList<TopicPartition> partitions, long time)
    {
        await _places.WaitAsync().ConfigureAwait(false);
        try
        {
            return await Task.Factory
                .StartNew(
                    () => _consumer.Call(consumer => Ask(consumer, partitions, time)),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default)
                .ConfigureAwait(false);
        }
        finally
        {
            _places.Release();
        }
    }

    private long[] Ask(IConsumer<byte[], byte[]> consumer, IReadOnlyList<TopicPartition> partitions, long time)
    {
        HearOut(consumer);
        var asked = partitions.Select(
            p => new TopicPartitionTimestamp(p.Topic, p.Partition, new ClientTime(time, TimestampType.CreateTime)));
        try
        {
            var found = consumer.OffsetsForTimes(asked, _try).ToDictionary(f => (f.Topic, f.Partition.Value), f => f.Offset.Value);
            _troubles.Passed();
            return [.. partitions.Select(p => Checked(p, time, found.GetValueOrDefault((p.Topic, p.Partition), First)))];
        }
        catch (KafkaException error)
        {
            var failed = (error as TopicPartitionOffsetException)?.Results.Find(result => result.Error.IsError)?.Error ?? error.Error;
            throw _troubles.Unavailable($"The offsets of {partitions[0]} cannot be read", failed, new KafkaException(failed));
        }
    }

    /// <summary>A first offset and an end are never below 0. No record at or after a time is -1, the end.</summary>
    private long Checked(TopicPartition partition, long time, long found) => found >= 0 || (time >= 0 && found == End)
        ? found
        : throw _troubles.Unavailable(
            $"The offsets of {partition} cannot be read", new(ErrorCode.Local_NoOffset, "the brokers gave no offset"));

    /// <summary>The client hands over its errors and log lines only to a caller that polls.</summary>
    private void HearOut(IConsumer<byte[], byte[]> consumer)
    {
        lock (_polling)
        {
            try
            {
                while (consumer.Consume(TimeSpan.Zero) is not null)
                {
                }
            }
            catch (ConsumeException)
            {
                // Its group is none of our business.
            }
        }
    }
}
