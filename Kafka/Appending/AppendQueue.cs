using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Appending;

/// <summary>
/// Appends through one producer at a time. Calls go straight to it. Those that must wait, since its queue is full or their topic is not
/// known yet or a new producer must be made, stand in one line, and all later ones behind them, so that each caller's keep their order.
/// </summary>
internal sealed class AppendQueue : IAsyncDisposable
{
    private const int LookEveryMilliseconds = 500;

    /// <summary>What headers may take beside their names and values.</summary>
    private const int WireSlackBytes = 30_000;

    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(10);

    private readonly KafkaClients _clients;
    private readonly TopicDirectory _topics;
    private readonly KafkaOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Action<string, int, long> _onAppended;
    private readonly ITimer _watch;
    private readonly Lock _gate = new();
    private readonly Queue<AppendWork> _line = [];
    private ProducerLife? _life;
    private ProducerLife? _leaving;
    private bool _isDisposed;

    public AppendQueue(
        KafkaClients clients, TopicDirectory topics, KafkaOptions options, ILogger logger, TimeProvider time,
        Action<string, int, long> onAppended)
    {
        (_clients, _topics, _options, _logger, _time, _onAppended) = (clients, topics, options, logger, time, onAppended);
        var every = TimeSpan.FromMilliseconds(LookEveryMilliseconds);
        _watch = time.CreateTimer(_ => GiveUpSlow(), null, every, every);
    }

    public Task<IReadOnlyList<Position>> AppendAsync(string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken)
    {
        CheckRecords(topic, records);
        if (records.Count == 0 && _topics.Known(topic) is not null)
            return Task.FromResult<IReadOnlyList<Position>>([]);
        var work = new AppendWork(topic, records, _time.GetTimestamp(), cancellationToken);
        lock (_gate)
        {
            KafkaFaults.ThrowIfClosed(_isDisposed);
            if (_line.Count == 0 && _life is not null && _topics.Known(topic) is { } partitions)
            {
                CheckPartitions(work, partitions);
                if (_life.TryProduce(work))
                    return work.Task;
            }

            _line.Enqueue(work);
            if (_line.Count == 1)
                _ = ServeLineAsync();
        }

        return work.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync().ConfigureAwait(false);
        ProducerLife? life;
        lock (_gate)
        {
            _isDisposed = true;
            life = _life;
        }

        await (life?.EndAsync(LastWait) ?? Task.CompletedTask).ConfigureAwait(false);
    }

    private static void CheckPartitions(AppendWork work, int partitions)
    {
        foreach (var record in work.Records!)
        {
            if ((uint)record.Partition >= (uint)partitions)
                throw UnknownTopicException.Partition(new(work.Topic, record.Partition), partitions);
        }
    }

    private void CheckRecords(string topic, IReadOnlyList<NewRecord> records)
    {
        for (var i = 0; i < records.Count; i++)
        {
            var record = records[i];
            if (record.Timestamp < 1)
                throw new ArgumentException(
                    $"A record for '{topic}' has the timestamp {record.Timestamp}, but Kafka has none before 1 (milliseconds since 1970). "
                    + "Give the time of the change.");
            if (record.Size > _options.MaxRecordBytes || AppendWork.WireBytes(record) > _options.MaxRecordBytes + WireSlackBytes)
            {
                throw new ArgumentException(
                    $"A record for '{topic}' has {record.Size} bytes, but {KafkaOptions.Section}:{nameof(KafkaOptions.MaxRecordBytes)} is "
                    + $"{_options.MaxRecordBytes}. "
                    + "Raise it, and max.message.bytes of topics that exist, or keep large data elsewhere and append its address.");
            }
        }
    }

    private async Task ServeLineAsync()
    {
        while (true)
        {
            AppendWork work;
            lock (_gate)
                work = _line.Peek();
            try
            {
                await ServeAsync(work).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                work.Fail(error);
            }

            lock (_gate)
            {
                _line.Dequeue();
                if (_line.Count == 0)
                    return;
            }
        }
    }

    private async Task ServeAsync(AppendWork work)
    {
        if (work.IsDone)
            return; // it failed with its producer
        if (work.Produced == 0)
            CheckPartitions(work, await _topics.CheckedAsync(work.Topic, CancellationToken.None).ConfigureAwait(false));
        if (work.Records is { Count: 0 } || work.IsGivenUp)
        {
            work.Finish();
            return;
        }

        var life = await LifeAsync().ConfigureAwait(false);
        work.StartedAt = _time.GetTimestamp();
        while (true)
        {
            var deliveries = life.Deliveries;
            if (life.TryProduce(work))
                return;
            await life.RoomAsync(deliveries).ConfigureAwait(false);
        }
    }

    private async Task<ProducerLife> LifeAsync()
    {
        while (true)
        {
            ProducerLife? leaving;
            lock (_gate)
            {
                KafkaFaults.ThrowIfClosed(_isDisposed);
                if (_life is not null)
                    return _life;
                leaving = _leaving is { Gone.IsCompleted: false } ? _leaving : null;
                if (leaving is null)
                    return _life = new(_clients, OnGivenUp, _onAppended);
            }

            await leaving.Gone.ConfigureAwait(false);
        }
    }

    private void OnGivenUp(ProducerLife life, string reason)
    {
        lock (_gate)
        {
            if (_life == life)
                (_life, _leaving) = (null, life);
            if (_isDisposed)
                return;
        }

        _logger.ProducerGivenUp(reason);
    }

    private void GiveUpSlow()
    {
        ProducerLife? life;
        lock (_gate)
            life = _life;
        if (life?.Oldest() is { } oldest && _time.GetElapsedTime(oldest).TotalSeconds > _options.AppendTimeoutSeconds)
        {
            life.GiveUp(new(
                $"The brokers have not taken an append for {_options.AppendTimeoutSeconds} s "
                + $"({KafkaOptions.Section}:{nameof(KafkaOptions.AppendTimeoutSeconds)}). "
                + "See whether they can be reached, and try again."));
        }
    }
}
