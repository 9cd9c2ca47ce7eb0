using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Reading;

/// <summary>Reads partitions, and knows their ends.</summary>
internal sealed class KafkaReaders : IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Confirmation = TimeSpan.FromMilliseconds(300);
    private const int SetbackMilliseconds = 100;
    private const int MaxSetbackMilliseconds = 2_000;

    private readonly ConcurrentDictionary<TopicPartition, ReadPartition> _partitions = new();
    private readonly ConsumerLoops _loops;
    private readonly TopicDirectory _topics;
    private readonly OffsetQueries _offsets;
    private readonly KafkaOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _disposing = new();
    private readonly Task _refreshing;

    public KafkaReaders(
        KafkaClients clients, TopicDirectory topics, OffsetQueries offsets, KafkaOptions options, ILogger logger, TimeProvider time)
    {
        (_topics, _offsets, _options, _logger, _time) = (topics, offsets, options, logger, time);
        _loops = new(clients, logger, time, 2 + options.MaxExtraConsumers);
        _refreshing = RefreshEndsAsync(new(TimeSpan.FromSeconds(options.EndRefreshSeconds), time));
    }

    /// <summary>How many consumers there are now.</summary>
    internal int Consumers => _loops.Running;

    public long? KnownEnd(TopicPartition partition) => _partitions.TryGetValue(partition, out var found) ? found.End : null;

    public HeldPosition? HeldAt(TopicPartition partition) => _partitions.TryGetValue(partition, out var found) ? found.Held : null;

    public void RaiseEnd(string topic, int partition, long end) => Partition(new(topic, partition)).RaiseEnd(end);

    public void SetEnd(TopicPartition partition, long end) => Partition(partition).SetEnd(end);

    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition at, long fromOffset, ReadLimits limits, LogIdentity? reached,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var partition = Partition(at);
        var reader = new PartitionReader(at, fromOffset, reached, limits, _options.MaxBufferedBytesPerPartition);
        await using var cancelled = cancellationToken.UnsafeRegister(_ => partition.Wake(reader), null).ConfigureAwait(false);
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                KafkaFaults.ThrowIfClosed(_disposing.IsCancellationRequested);
                if (partition.Take(reader) is { } batch)
                    yield return batch;
                else if (partition.TryWait(reader, cancellationToken, out var waiting))
                    await waiting.ConfigureAwait(false);
                else
                    await AttachOrRefuseAsync(partition, reader, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            partition.Detach(reader);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _disposing.CancelAsync().ConfigureAwait(false);
        foreach (var partition in _partitions.Values)
            partition.EndAll(KafkaFaults.Closed());
        await _loops.EndAsync().ConfigureAwait(false);
        await _refreshing.ConfigureAwait(false);
        _disposing.Dispose();
    }

    private static bool IsOutside(PartitionReader reader, OffsetRange range) => reader.Next < range.Start || reader.Next > range.End;

    private ReadPartition Partition(TopicPartition partition) =>
        _partitions.GetOrAdd(partition, static (p, self) => new(p, self._loops, self._options, self._time), this);

    /// <summary>
    /// Checks that the topic is the reader's, and the partition has its offset, and attaches the reader to a consumer.
    /// </summary>
    private async Task AttachAsync(ReadPartition partition, PartitionReader reader, CancellationToken cancellationToken)
    {
        if (reader.Setbacks > 0)
            await Task.Delay(
                TimeSpan.FromMilliseconds(Math.Min(SetbackMilliseconds * reader.Setbacks, MaxSetbackMilliseconds)),
                _time,
                cancellationToken).ConfigureAwait(false);
        var (topic, range) = await RangeAsync(partition.TopicPartition, reader, cancellationToken).ConfigureAwait(false);
        if (IsOutside(reader, range))
        {
            // Brokers whose leaders change may report a range that is not the partition's. Only a second answer that agrees is used.
            await Task.Delay(Confirmation, _time, cancellationToken).ConfigureAwait(false);
            (topic, var again) = await RangeAsync(partition.TopicPartition, reader, cancellationToken).ConfigureAwait(false);
            partition.SetEnd(again.End);
            if (IsOutside(reader, again) && (reader.Next < range.Start) == (reader.Next < again.Start))
                throw Outside(partition.TopicPartition, reader, again);
            _logger.ReaderDetail(partition.TopicPartition.ToString(), $"brokers reported {range}, and then {again}");
            if (IsOutside(reader, again))
                return; // it is tried once more
            range = again;
        }

        partition.SetEnd(range.End);
        partition.IsRefused = false;
        reader.Bind(topic.Id, range.Start);
        partition.Attach(reader);
    }

    /// <summary>Where the log is another one the reader ends, and the log's end is known, as it is of a partition that is read.</summary>
    private async Task AttachOrRefuseAsync(ReadPartition partition, PartitionReader reader, CancellationToken cancellationToken)
    {
        try
        {
            await AttachAsync(partition, reader, cancellationToken).ConfigureAwait(false);
        }
        catch (LogChangedException)
        {
            partition.IsRefused = true;
            partition.SetEnd((await _offsets.EndsAsync([partition.TopicPartition]).WaitAsync(cancellationToken).ConfigureAwait(false))[0]);
            throw;
        }
    }

    private static Exception Outside(TopicPartition partition, PartitionReader reader, OffsetRange range) =>
        reader.IsContinued && reader.Next > range.End
            ? LogChangedException.Shorter(partition, reader.Next, range.End)
            : new OffsetOutOfRangeException(partition, reader.Next, range);

    /// <summary>The topic, which is the one that the reader has read so far.</summary>
    private async Task<TopicDirectory.SeenTopic> TopicAsync(
        TopicPartition partition, PartitionReader reader, CancellationToken cancellationToken)
    {
        // What was asked for a while ago serves a reader whose consumer had no trouble: the consumer notices a topic that was made again.
        var found = reader.Setbacks == 0
            ? await _topics.FindAsync(partition.Topic, cancellationToken).ConfigureAwait(false)
            : (await _topics.AskAsync(cancellationToken).ConfigureAwait(false)).Find(partition.Topic);
        for (var tries = 0; ; tries++)
        {
            if (found is not { } topic)
                throw KafkaFaults.UnknownTopic(partition.Topic);
            if ((uint)partition.Partition >= (uint)topic.Partitions)
                throw UnknownTopicException.Partition(partition, topic.Partitions);
            if (!reader.IsContinued || topic.Id is null || reader.Log.Topic is null || topic.Id == reader.Log.Topic)
                return topic;

            // A broker may be behind the others for a moment. Only a second answer is used.
            if (tries > 0)
                reader.Log.RequireTopic(partition, reader.Next, topic.Id);
            await Task.Delay(Confirmation, _time, cancellationToken).ConfigureAwait(false);
            found = (await _topics.AskAsync(cancellationToken).ConfigureAwait(false)).Find(partition.Topic);
        }
    }

    /// <summary>The topic and the offsets of a partition. Waits for brokers that cannot be reached.</summary>
    private async Task<(TopicDirectory.SeenTopic Topic, OffsetRange Range)> RangeAsync(
        TopicPartition partition, PartitionReader reader, CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                var topic = await TopicAsync(partition, reader, cancellationToken).ConfigureAwait(false);
                return (topic, (await _offsets.RangesAsync([partition]).WaitAsync(cancellationToken).ConfigureAwait(false))[0]);
            }
            catch (LogUnavailableException error)
            {
                KafkaFaults.ThrowIfClosed(_disposing.IsCancellationRequested);
                if (tries == 0)
                    _logger.ReaderWaits(partition.Topic, partition.Partition, reader.Next, error.Message);
                await Task.Delay(Retry, _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Queries the topics that are read, and the ends of partitions that are paused or have slow readers: nothing else reports them.
    /// </summary>
    private async Task RefreshEndsAsync(PeriodicTimer timer)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_disposing.Token).ConfigureAwait(false))
                    await RefreshAsync().WaitAsync(_disposing.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Disposed.
            }
        }
    }

    private async Task RefreshAsync()
    {
        var read = _partitions.Values.Where(partition => partition.HasReaders).ToList();
        try
        {
            // A consumer may wait for ever for a topic that is gone.
            var seen = read.Count == 0 ? null : await _topics.SeenAsync(_disposing.Token).ConfigureAwait(false);
            foreach (var partition in read)
            {
                var found = seen!.Find(partition.TopicPartition.Topic);
                partition.TopicSeen(found?.Id, isListed: found is not null);
            }
        }
        catch (LogUnavailableException error)
        {
            _logger.ReaderDetail("topics", error.Message);
        }

        await RefreshOldEndsAsync().ConfigureAwait(false);
    }

    private async Task RefreshOldEndsAsync()
    {
        var now = _time.GetTimestamp();
        var old = _partitions.Values.Where(p => p.HasReaders || p.IsRefused)
            .Where(p => _time.GetElapsedTime(p.EndSeenAt, now).TotalSeconds >= _options.EndRefreshSeconds).ToList();
        if (old.Count == 0)
            return;
        try
        {
            var ends = await _offsets.EndsAsync([.. old.Select(p => p.TopicPartition)]).ConfigureAwait(false);
            for (var i = 0; i < old.Count; i++)
                old[i].RaiseEnd(ends[i]);
        }
        catch (Exception error) when (error is LogUnavailableException or UnknownTopicException)
        {
            _logger.ReaderDetail("ends", error.Message);
        }
    }
}
