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
        TopicPartition at, long fromOffset, ReadLimits limits, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var partition = Partition(at);
        var reader = new PartitionReader(fromOffset, limits, _options.MaxBufferedBytesPerPartition);
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
                    await AttachAsync(partition, reader, cancellationToken).ConfigureAwait(false);
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

    /// <summary>Checks that the partition has the reader's offset, and attaches the reader to a consumer.</summary>
    private async Task AttachAsync(ReadPartition partition, PartitionReader reader, CancellationToken cancellationToken)
    {
        if (reader.Setbacks > 0)
            await Task.Delay(
                TimeSpan.FromMilliseconds(Math.Min(SetbackMilliseconds * reader.Setbacks, MaxSetbackMilliseconds)),
                _time,
                cancellationToken).ConfigureAwait(false);
        var range = await RangeAsync(partition.TopicPartition, reader.Next, cancellationToken).ConfigureAwait(false);
        if (IsOutside(reader, range))
        {
            // Brokers whose leaders change may report a range that is not the partition's. Only a second answer that agrees is used.
            await Task.Delay(Confirmation, _time, cancellationToken).ConfigureAwait(false);
            var again = await RangeAsync(partition.TopicPartition, reader.Next, cancellationToken).ConfigureAwait(false);
            if (IsOutside(reader, again) && (reader.Next < range.Start) == (reader.Next < again.Start))
                throw new OffsetOutOfRangeException(partition.TopicPartition, reader.Next, again);
            _logger.ReaderDetail(partition.TopicPartition.ToString(), $"brokers reported {range}, and then {again}");
            if (IsOutside(reader, again))
                return; // it is tried once more
            range = again;
        }

        partition.SetEnd(range.End);
        partition.Attach(reader);
    }

    /// <summary>The offsets of a partition. Waits for brokers that cannot be reached.</summary>
    private async Task<OffsetRange> RangeAsync(TopicPartition partition, long offset, CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                var partitions = await _topics.CheckedAsync(partition.Topic, cancellationToken).ConfigureAwait(false);
                if ((uint)partition.Partition >= (uint)partitions)
                    throw UnknownTopicException.Partition(partition, partitions);
                return (await _offsets.RangesAsync([partition]).WaitAsync(cancellationToken).ConfigureAwait(false))[0];
            }
            catch (LogUnavailableException error)
            {
                KafkaFaults.ThrowIfClosed(_disposing.IsCancellationRequested);
                if (tries == 0)
                    _logger.ReaderWaits(partition.Topic, partition.Partition, offset, error.Message);
                await Task.Delay(Retry, _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Queries the ends of partitions that are paused or have slow readers: nothing else reports them.</summary>
    private async Task RefreshEndsAsync(PeriodicTimer timer)
    {
        using (timer)
        {
            try
            {
                while (await timer.WaitForNextTickAsync(_disposing.Token).ConfigureAwait(false))
                    await RefreshOldEndsAsync().WaitAsync(_disposing.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Disposed.
            }
        }
    }

    private async Task RefreshOldEndsAsync()
    {
        var now = _time.GetTimestamp();
        var old = _partitions.Values.Where(
            p => _time.GetElapsedTime(p.EndSeenAt, now).TotalSeconds >= _options.EndRefreshSeconds && p.HasReaders).ToList();
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
