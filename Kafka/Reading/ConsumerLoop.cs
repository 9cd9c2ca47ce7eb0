using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using ClientPartition = Confluent.Kafka.TopicPartition;

namespace ActorStreams.Kafka.Reading;

/// <summary>What a consumer is to do with a feed.</summary>
internal enum FeedStep
{
    /// <summary>Fetch its partition from its position on.</summary>
    Start,

    /// <summary>Fetch no more of it.</summary>
    Stop,
}

/// <summary>
/// One consumer and the thread that polls it. The thread alone assigns and dispatches: what it takes from the client belongs to the
/// feed that it assigned last for that partition.
/// </summary>
internal sealed class ConsumerLoop
{
    /// <summary>How long a step waits at most while nothing comes: the client cannot be woken.</summary>
    private const int PollMilliseconds = 10;

    /// <summary>Records taken in one go before their readers are woken, when they come faster than they can be taken.</summary>
    private const int MaxTaken = 256;

    private const int IdleSeconds = 30;
    private const int SeeEndsSeconds = 1;

    private readonly ConcurrentQueue<(FeedStep Step, Feed Feed)> _steps = new();
    private readonly Dictionary<(string Topic, int Partition), Feed> _feeds = [];
    private readonly List<Feed> _dirty = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly object _gate = new(); // a monitor: its thread waits on it while there is nothing to poll
    private readonly KafkaClients _clients;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly string _name;
    private readonly ReadTopicIds _ids = new();
    private IConsumer<byte[], byte[]> _consumer = null!;
    private ClientSettings _settings;
    private Feed? _latest;
    private bool _isEnding;
    private long _endsSeenAt;
    private int _idsSeen;

    public ConsumerLoop(string name, KafkaClients clients, ILogger logger, TimeProvider time)
    {
        (_name, _clients, _logger, _time, _settings) = (name, clients, logger, time, clients.Settings);
        new Thread(Run) { IsBackground = true, Name = $"Kafka {name} consumer" }.Start();
    }

    public bool HasEnded
    {
        get
        {
            lock (_gate)
                return _isEnding;
        }
    }

    /// <summary>Queues a step for the consumer's thread. False when the consumer has ended.</summary>
    public bool TryPost((FeedStep Step, Feed Feed) step)
    {
        lock (_gate)
        {
            if (_isEnding)
                return false;
            _steps.Enqueue(step);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    public Task EndAsync()
    {
        lock (_gate)
        {
            _isEnding = true;
            Monitor.Pulse(_gate);
        }

        return _ended.Task;
    }

    private void Run()
    {
        LogUnavailableException? failure = null;
        try
        {
            _consumer = _clients.Consumer(_name, _settings, ReadTopicIds.Debug, _ids.Take);
            while (TryRenew() && Step())
            {
            }
        }
        catch (Exception error)
        {
            failure = new($"The {_name} consumer has ended: {error.Message.TrimEnd('.')}. Try again.", error);
            _logger.ConsumerEnded(error, _name);
        }

        End(failure);
    }

    /// <summary>Takes settings that have changed. False when only a new consumer can: readers move to it.</summary>
    private bool TryRenew()
    {
        var settings = _clients.Settings;
        if (settings == _settings)
            return true;
        if (!settings.TryGive(_settings, _consumer))
            return false;
        _settings = settings;
        return true;
    }

    /// <summary>
    /// Takes what is there, or as much until there is a step to do: a partition that is to stop brings no more. False when the
    /// consumer is to end.
    /// </summary>
    private bool Step()
    {
        while (_steps.TryDequeue(out var step))
            Do(step.Step, step.Feed);
        if (_feeds.Count == 0)
        {
            lock (_gate)
            {
                if (!_isEnding && _steps.IsEmpty && !Monitor.Wait(_gate, TimeSpan.FromSeconds(IdleSeconds)))
                    _isEnding = true;
                return !_isEnding;
            }
        }

        var taken = 0;
        while (taken < MaxTaken && _steps.IsEmpty && TryTakeOne(taken == 0 ? PollMilliseconds : 0))
            taken++;
        FlushDirty();
        if (taken == 0)
            SeeEnds();
        lock (_gate)
            return !_isEnding;
    }

    private bool TryTakeOne(int milliseconds)
    {
        try
        {
            if (_consumer.Consume(milliseconds) is not { } result)
                return false;

            // After the record came: an id under which it was fetched is known by now.
            if (_ids.Changes != _idsSeen)
                SeeIds();
            if (Find(result.Topic, result.Partition.Value) is not { } feed)
                return true;
            if (!feed.IsOfTopic)
                Disown(feed);
            else if (result.IsPartitionEOF)
                feed.Partition.EndReached(feed, result.Offset.Value);
            else
                Take(feed, result);
        }
        catch (ConsumeException error) when (!error.Error.IsFatal)
        {
            Heed(error);
        }

        return true;
    }

    /// <summary>A topic that is fetched under another id was deleted and made again: its feeds end.</summary>
    private void SeeIds()
    {
        _idsSeen = _ids.Changes;
        foreach (var feed in _feeds.Values)
        {
            var (was, id) = (feed.IsOfTopic, _ids.Of(feed.Partition.TopicPartition.Topic));
            feed.IsOfTopic = feed.TopicId is null || feed.TopicId == id;
            if (was && !feed.IsOfTopic)
                Disown(feed);
        }
    }

    /// <summary>What comes is not of the topic that the feed's readers read. They query the topic's id, and report what is wrong.</summary>
    private void Disown(Feed feed)
    {
        var (topic, partition) = feed.Partition.TopicPartition;
        var id = _ids.Of(topic);
        feed.Partition.Drop(feed, id is not null ? null : new LogUnavailableException(
            $"{topic}/{partition} cannot be read: the Kafka client does not log the id under which it fetches the topic. Use the version "
            + "of librdkafka that comes with this program."));
        if (_logger.IsEnabled(LogLevel.Debug))
            _logger.ReaderDetail($"{topic}/{partition}", $"the topic is fetched under id {id}, and not {feed.TopicId}");
    }

    private void Take(Feed feed, ConsumeResult<byte[], byte[]> result)
    {
        var message = result.Message;
        feed.Partition.Add(feed, new()
        {
            Offset = result.Offset.Value,
            Timestamp = message.Timestamp.UnixTimestampMs,
            Key = Memory(message.Key),
            Value = Memory(message.Value),
            Headers = message.Headers.Count == 0 ? [] : HeadersOf(message.Headers),
        }, result.LeaderEpoch ?? LogIdentity.NoEpoch);
        if (feed.IsDirty)
            return;
        feed.IsDirty = true;
        _dirty.Add(feed);
    }

    private void FlushDirty()
    {
        foreach (var feed in CollectionsMarshal.AsSpan(_dirty))
        {
            feed.IsDirty = false;
            var (topic, partition) = feed.Partition.TopicPartition;
            feed.Partition.Flush(feed, _consumer.GetWatermarkOffsets(new(topic, partition)).High.Value);
        }

        _dirty.Clear();
    }

    /// <summary>When no record comes, the end may have moved all the same: behind the open transaction of another producer.</summary>
    private void SeeEnds()
    {
        if (_time.GetElapsedTime(_endsSeenAt).TotalSeconds < SeeEndsSeconds)
            return;
        _endsSeenAt = _time.GetTimestamp();
        foreach (var feed in _feeds.Values)
        {
            var (topic, partition) = feed.Partition.TopicPartition;
            feed.Partition.EndSeen(feed, _consumer.GetWatermarkOffsets(new(topic, partition)).High.Value);
        }
    }

    private void Do(FeedStep step, Feed feed)
    {
        var (topic, partition) = feed.Partition.TopicPartition;
        var assigned = new ClientPartition(topic, partition);
        _latest = null;
        if (step == FeedStep.Start)
        {
            feed.IsOfTopic = feed.TopicId is null || feed.TopicId == _ids.Of(topic);
            _feeds.Add((topic, partition), feed);
            _consumer.IncrementalAssign([new TopicPartitionOffset(assigned, feed.Partition.Begin(feed))]);
        }
        else if (_feeds.TryGetValue((topic, partition), out var current) && current == feed)
        {
            _feeds.Remove((topic, partition));
            _consumer.IncrementalUnassign([assigned]);
        }
    }

    /// <summary>An error of one partition. Errors that the client retries by itself, from the same offset, are ignored.</summary>
    private void Heed(ConsumeException error)
    {
        var at = error.ConsumerRecord.TopicPartitionOffset;
        if (at?.Topic is not { } topic || Find(topic, at.Partition.Value) is not { } feed)
            return;
        var code = error.Error.Code;
        var name = feed.Partition.TopicPartition.ToString();
        if (code is ErrorCode.Local_AutoOffsetReset or ErrorCode.OffsetOutOfRange || error.Error.IsUnknownTopic())
            feed.Partition.Drop(feed, null); // its readers query the range of offsets, and report what is wrong
        else if (error.Error.IsForbidden() || error.Error.IsLocalError || code is ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidMsg)
            feed.Partition.Drop(
                feed, _clients.Troubles.Unavailable($"{name} cannot be read at offset {at.Offset.Value}", error.Error, error));
        if (_logger.IsEnabled(LogLevel.Debug))
            _logger.ReaderDetail(name, $"{code}: {error.Error.Reason}");
    }

    private Feed? Find(string topic, int partition)
    {
        if (_latest is { Partition.TopicPartition: var known } && known.Partition == partition && known.Topic == topic)
            return _latest;
        return _latest = _feeds.GetValueOrDefault((topic, partition));
    }

    /// <summary>Readers end with the failure. Without one they move to the consumer that follows, or the log is closed.</summary>
    private void End(LogUnavailableException? failure)
    {
        lock (_gate)
            _isEnding = true;
        while (_steps.TryDequeue(out var step))
        {
            if (step.Step == FeedStep.Start)
                step.Feed.Partition.Drop(step.Feed, failure);
        }

        foreach (var feed in _feeds.Values)
            feed.Partition.Drop(feed, failure);
        _consumer?.Dispose();
        _ended.SetResult();
    }

    private static ReadOnlyMemory<byte>? Memory(byte[]? bytes) => bytes is null ? (ReadOnlyMemory<byte>?)null : bytes;

    private static RecordHeader[] HeadersOf(Headers headers)
    {
        var read = new RecordHeader[headers.Count];
        for (var i = 0; i < read.Length; i++)
            read[i] = new(headers[i].Key, headers[i].GetValueBytes());
        return read;
    }
}
