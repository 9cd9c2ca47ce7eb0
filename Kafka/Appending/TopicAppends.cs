using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;

namespace ActorStreams.Kafka.Appending;

// An append goes straight to its queue when the topic is known, its settings are read, and the queue is the one that the topic's appends
// under way are in. Otherwise it waits here, and all later ones behind it. So a topic changes its queue (its limits have changed, or a
// record is one that it may refuse) only when none of its appends is under way, and its appends keep their order.

/// <summary>The appends to one topic, of clients or of the engine.</summary>
internal sealed class TopicAppends(string topic, bool isEngine, Appends appends)
{
    /// <summary>What headers may take beside their names and values.</summary>
    private const int WireSlackBytes = 30_000;

    /// <summary>
    /// Stock brokers refuse timestamps that lie an hour ahead. Where a topic's limits are not known, what is nearer than this is
    /// not in doubt.
    /// </summary>
    private static readonly TimeSpan SurelyTaken = TimeSpan.FromMinutes(59);

    /// <summary>The first time that Kafka has.</summary>
    private const long Earliest = 1;

    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(500);

    private readonly Queue<AppendWork> _waiting = [];
    private readonly Lock _gate = new();
    private AppendQueue? _queue;
    private int _underWay;
    private TaskCompletionSource? _idle;

    public Task<IReadOnlyList<Position>> AppendAsync(IReadOnlyList<NewRecord> records, CancellationToken cancellationToken)
    {
        CheckSizes(records);
        if (records.Count == 0 && appends.Topics.LastKnown(topic) is not null)
            return Task.FromResult<IReadOnlyList<Position>>([]);
        var work = new AppendWork(topic, records, appends.Time.GetTimestamp(), cancellationToken);
        lock (_gate)
        {
            if (_waiting.Count == 0 && IsKnown(work, out var partitions, out var settings))
            {
                Check(work, partitions, settings);
                if (TrySend(work, settings))
                    return work.Task;
            }

            _waiting.Enqueue(work);
            if (_waiting.Count == 1)
                _ = ServeAsync();
        }

        return work.Task;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            AppendWork work;
            lock (_gate)
                work = _waiting.Peek();
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
                _waiting.Dequeue();
                if (_waiting.Count == 0)
                    return;
            }
        }
    }

    private async Task ServeAsync(AppendWork work)
    {
        var partitions = await PartitionsAsync(work).ConfigureAwait(false);
        var settings = await appends.Settings.OfAsync(topic, CancellationToken.None).ConfigureAwait(false);
        Check(work, partitions, settings);
        if (work.Records is { Count: 0 } || work.IsGivenUp)
        {
            work.Finish();
            return;
        }

        while (!TrySendFromLine(work, settings))
            await IdleAsync().ConfigureAwait(false);
    }

    /// <summary>Brokers that are away are waited for as long as an append may take.</summary>
    private async Task<int> PartitionsAsync(AppendWork work)
    {
        if (appends.Topics.LastKnown(topic) is { } known && work.Records!.All(record => record.Partition < known))
            return known;
        while (true)
        {
            try
            {
                return await appends.Topics.CheckedAsync(topic, CancellationToken.None).ConfigureAwait(false);
            }
            catch (LogUnavailableException error) when (!work.IsGivenUp)
            {
                if (appends.Time.GetElapsedTime(work.StartedAt).TotalSeconds > appends.Options.AppendTimeoutSeconds)
                    throw new LogUnavailableException($"{AppendQueue.TimeIsUp(appends.Options)}. {error.Message}", error);
                await Task.Delay(Retry, appends.Time).ConfigureAwait(false);
            }
        }
    }

    private bool IsKnown(AppendWork work, out int partitions, out TopicSettings? settings)
    {
        settings = null;
        partitions = appends.Topics.LastKnown(topic) ?? 0;
        foreach (var record in work.Records!)
        {
            if (record.Partition >= partitions)
                return false; // there may be more of them by now
        }

        return partitions > 0 && appends.Settings.TryGet(topic, out settings);
    }

    private bool TrySendFromLine(AppendWork work, TopicSettings? settings)
    {
        lock (_gate)
            return TrySend(work, settings);
    }

    /// <summary>Hands the append to its queue. False while appends of the topic are under way in another. The gate is held.</summary>
    private bool TrySend(AppendWork work, TopicSettings? settings)
    {
        var kind = isEngine ? AppendClass.Engine : settings is null && IsDoubtful(work) ? AppendClass.Doubtful : AppendClass.Client;
        var queue = appends.Queue(kind, settings?.MaxMessageBytes ?? int.MaxValue);
        if (queue != _queue && Volatile.Read(ref _underWay) > 0)
            return false;
        _queue = queue;
        work.Ended = Ended;
        Interlocked.Increment(ref _underWay);
        queue.Append(work);
        return true;
    }

    /// <summary>An append is no longer under way. Without the gate: it may be called while that of another topic is held.</summary>
    private void Ended()
    {
        if (Interlocked.Decrement(ref _underWay) == 0)
            Interlocked.Exchange(ref _idle, null)?.SetResult();
    }

    /// <summary>Waits until none of the topic's appends is under way.</summary>
    private Task IdleAsync()
    {
        var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _idle, idle);
        // In this order: an append that ends counts down first, and then wakes a waiter, if there is one.
        return Interlocked.CompareExchange(ref _underWay, 0, 0) == 0 ? Task.CompletedTask : idle.Task;
    }

    private void CheckSizes(IReadOnlyList<NewRecord> records)
    {
        var most = appends.Options.MaxRecordBytes;
        foreach (var record in records)
        {
            if (record.Timestamp < Earliest && !isEngine)
            {
                throw new ArgumentException(
                    $"A record for '{topic}' has the timestamp {record.Timestamp}, but Kafka has none before {Earliest} "
                        + "(milliseconds since 1970). "
                    + "Give the time of the change.");
            }

            if (record.Size > most || AppendWork.WireBytes(record) > most + WireSlackBytes)
            {
                throw new ArgumentException(
                    $"A record for '{topic}' has {record.Size} bytes, but "
                        + $"{KafkaOptions.Section}:{nameof(KafkaOptions.MaxRecordBytes)} is {most}. "
                    + "Raise it, and max.message.bytes of topics that exist, or keep large data elsewhere and append its address.");
            }
        }
    }

    /// <summary>
    /// Refuses what the topic does not take before anything is sent: brokers would refuse the whole batch, and with it the appends
    /// of others.
    /// A timestamp of the engine's is moved into the limits instead.
    /// </summary>
    private void Check(AppendWork work, int partitions, TopicSettings? settings)
    {
        var limits = settings?.Limits(appends.Options.MaxRecordBytes, int.MaxValue);
        var now = appends.Time.GetUtcNow();
        if (isEngine)
            work.Timestamps = (
                Math.Max(Earliest, limits?.EarliestAt(now) ?? Earliest),
                limits?.LatestAt(now) ?? (now + SurelyTaken).ToUnixTimeMilliseconds());
        foreach (var record in work.Records!)
        {
            if ((uint)record.Partition >= (uint)partitions)
                throw UnknownTopicException.Partition(new(topic, record.Partition), partitions);
            var wireBytes = AppendWork.WireBytes(record) + TopicSettings.BatchOverhead;
            if (wireBytes > settings?.MaxMessageBytes)
            {
                throw new ArgumentException(
                    $"A record for '{topic}' has {wireBytes} bytes in its batch, but the topic's max.message.bytes is "
                        + $"{settings.MaxMessageBytes}. "
                    + "Raise it, or keep large data elsewhere and append its address.");
            }

            if (!isEngine && limits?.Refusal(record.Size, record.Timestamp, now) is { } refusal)
                throw new ArgumentException($"Topic '{topic}' does not take a record. {refusal} See its message.timestamp settings.");
        }
    }

    private bool IsDoubtful(AppendWork work)
    {
        var latest = (appends.Time.GetUtcNow() + SurelyTaken).ToUnixTimeMilliseconds();
        foreach (var record in work.Records!)
        {
            if (record.Timestamp > latest)
                return true;
        }

        return false;
    }
}
