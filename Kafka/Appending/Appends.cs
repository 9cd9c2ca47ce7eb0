using System.Numerics;
using System.Collections.Concurrent;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka.Topics;
using ActorStreams.Log;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Appending;

/// <summary>Whose appends share a producer, and so fail together when brokers refuse a batch of it for good.</summary>
internal enum AppendClass
{
    /// <summary>Records of clients.</summary>
    Client,

    /// <summary>Records that the engine itself writes.</summary>
    Engine,

    /// <summary>Records that the topic may refuse, since its limits are not known.</summary>
    Doubtful,
}

/// <summary>All appends: each goes through its topic, which checks it, to the producer of its class and batch size.</summary>
internal sealed class Appends(
    KafkaClients clients,
    TopicDirectory topics,
    TopicSettingsCache settings,
    KafkaOptions options,
    ILogger logger,
    TimeProvider time,
    Action<string, int, long> onAppended) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<(string Topic, bool IsEngine), TopicAppends> _topics = new();
    private readonly Dictionary<(AppendClass Class, int BatchBytes), AppendQueue> _queues = [];
    private readonly Lock _gate = new();
    private bool _isDisposed;

    public KafkaOptions Options => options;

    public TopicDirectory Topics => topics;

    public TopicSettingsCache Settings => settings;

    public TimeProvider Time => time;

    /// <summary>Appends records of a client, or of the engine itself.</summary>
    public Task<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, bool isEngine, CancellationToken cancellationToken)
    {
        KafkaFaults.ThrowIfClosed(Volatile.Read(ref _isDisposed));
        return _topics.GetOrAdd((topic, isEngine), static (key, self) => new(key.Topic, key.IsEngine, self), this)
            .AppendAsync(records, cancellationToken);
    }

    /// <summary>
    /// The queue of a class for topics that take batches of this size. A smaller size is rounded down to a power of two, so that the
    /// producers stay few; a single record may be larger than that.
    /// </summary>
    public AppendQueue Queue(AppendClass kind, int maxBatchBytes)
    {
        var bytes = maxBatchBytes >= clients.BatchBytes ? clients.BatchBytes : 1 << BitOperations.Log2((uint)Math.Max(1, maxBatchBytes));
        lock (_gate)
        {
            KafkaFaults.ThrowIfClosed(_isDisposed);
            if (!_queues.TryGetValue((kind, bytes), out var queue))
            {
                var name = bytes == clients.BatchBytes ? $"{kind} producer" : $"{kind} producer of small batches";
                _queues.Add((kind, bytes), queue = new(name.ToLowerInvariant(), bytes, clients, options, logger, time, onAppended));
            }

            return queue;
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<AppendQueue> queues;
        lock (_gate)
        {
            _isDisposed = true;
            queues = [.. _queues.Values];
        }

        await Task.WhenAll(queues.Select(queue => queue.DisposeAsync().AsTask())).ConfigureAwait(false);
    }
}
