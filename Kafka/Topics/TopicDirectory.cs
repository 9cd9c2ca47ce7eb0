using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Confluent.Kafka;

namespace ActorStreams.Kafka.Topics;

/// <summary>
/// Knows which topics exist. It always requests all topics: on some brokers a request for one topic creates it.
/// </summary>
internal sealed class TopicDirectory(RenewedClient<IAdminClient> admin, KafkaOptions options, BrokerTroubles troubles, TimeProvider time)
{
    private const string InternalPrefix = "__";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(100);

    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(options.RequestTimeoutSeconds);
    private readonly Lock _gate = new();
    private Task<Seen>? _asking;
    private Seen? _seen;

    /// <summary>
    /// The number of partitions as it was when it was last asked for, however long ago; null when the topic was not there. What is
    /// old is asked for again meanwhile.
    /// </summary>
    public int? LastKnown(string topic)
    {
        var seen = Volatile.Read(ref _seen);
        if (seen is null)
            return null;
        if (!IsFresh(seen) && Volatile.Read(ref _asking) is null)
            _ = RefreshAsync();
        return seen.Topics.TryGetValue(topic, out var found) ? found.Partitions : null;
    }

    /// <summary>The topic; null when there is none.</summary>
    public async ValueTask<SeenTopic?> FindAsync(string topic, CancellationToken cancellationToken)
    {
        var seen = Volatile.Read(ref _seen);
        if (seen is null || !IsFresh(seen) || !seen.Topics.ContainsKey(topic))
            seen = await AskAsync(cancellationToken).ConfigureAwait(false);
        return seen.Find(topic);
    }

    /// <summary>All topics as they were a short while ago at most.</summary>
    public async ValueTask<Seen> SeenAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref _seen) is { } seen && IsFresh(seen) ? seen : await AskAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// The topic; null when there is none. Brokers that do not answer soon are not waited for where the topic is known from before.
    /// </summary>
    public async ValueTask<SeenTopic?> KnownAsync(string topic, CancellationToken cancellationToken)
    {
        var seen = Volatile.Read(ref _seen);
        if (seen is null || IsFresh(seen) || !seen.Topics.TryGetValue(topic, out var known))
            return await FindAsync(topic, cancellationToken).ConfigureAwait(false);
        var asking = AskAsync(cancellationToken);
        await ((Task)asking).WaitAsync(Soon, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        if (!asking.IsCompletedSuccessfully)
            return known;
        return (await asking.ConfigureAwait(false)).Find(topic);
    }

    /// <summary>The number of partitions.</summary>
    /// <exception cref="UnknownTopicException">There is no such topic.</exception>
    public async ValueTask<int> CheckedAsync(string topic, CancellationToken cancellationToken) =>
        (await FindAsync(topic, cancellationToken).ConfigureAwait(false))?.Partitions ?? throw KafkaFaults.UnknownTopic(topic);

    /// <summary>All topics but those of the brokers themselves, by name.</summary>
    public async ValueTask<IReadOnlyList<ActorStreams.Log.TopicDescription>> ListAsync(CancellationToken cancellationToken) =>
    [
        .. (await AskAsync(cancellationToken).ConfigureAwait(false)).Topics
            .Where(topic => IsOfUsers(topic.Key))
            .OrderBy(topic => topic.Key, StringComparer.Ordinal)
            .Select(topic => topic.Value.Describe(topic.Key)),
    ];

    /// <summary>
    /// All topics, as the brokers know them now. Concurrent callers share one answer, which is requested after the last of them came.
    /// </summary>
    public async Task<Seen> AskAsync(CancellationToken cancellationToken)
    {
        Task<Seen> asking;
        var earlier = Volatile.Read(ref _asking);
        if (earlier is not null)
        {
            // It was begun before this call, so its answer may be older than what the caller knows.
            await ((Task)earlier).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        lock (_gate)
        {
            if (_asking is null || _asking == earlier)
            {
                _asking = Task.Run(AskUntilAnsweredAsync, CancellationToken.None);
            }

            asking = _asking;
        }

        return await asking.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private bool IsFresh(Seen seen) => time.GetElapsedTime(seen.At).TotalSeconds < options.TopicCacheSeconds;

    private async Task RefreshAsync() =>
        await ((Task)AskAsync(CancellationToken.None)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>
    /// While a leader changes or a connection drops, an answer fails for a moment, which is not worth an error to the caller.
    /// </summary>
    private async Task<Seen> AskUntilAnsweredAsync()
    {
        try
        {
            for (var since = time.GetTimestamp(); ;)
            {
                try
                {
                    return await AskOnceAsync().ConfigureAwait(false);
                }
                catch (LogUnavailableException) when (time.GetElapsedTime(since) < _timeout)
                {
                    await Task.Delay(Retry, time).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            lock (_gate)
                _asking = null;
        }
    }

    private async Task<Seen> AskOnceAsync()
    {
        try
        {
            var at = time.GetTimestamp();

            // The client's call blocks until the answer is there. One thread at most waits so.
            var found = await Task.Factory
                .StartNew(
                    () => admin.Call(client => client.GetMetadata(_timeout)),
                    CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .ConfigureAwait(false);
            string[] named = [.. found.Topics.Where(topic => !topic.Error.IsError).Select(topic => topic.Topic).Where(IsOfUsers)];
            var seen = new Seen(at, Topics(found, await IdsAsync(named).ConfigureAwait(false)), found.Brokers.Count);
            Volatile.Write(ref _seen, seen);
            troubles.Passed();
            return seen;
        }
        catch (KafkaException error)
        {
            throw troubles.Unavailable("The topics cannot be listed", error.Error, error);
        }
    }

    /// <summary>
    /// The topics' ids. While brokers list topics but have no controller to describe them, none is made or deleted: ids are as they were.
    /// </summary>
    private async Task<Dictionary<string, string>> IdsAsync(string[] topics)
    {
        if (!options.ChecksTopicSettings)
            return [];
        try
        {
            return await TopicIds.AskAsync(admin, topics, _timeout).ConfigureAwait(false);
        }
        catch (KafkaException) when (Volatile.Read(ref _seen) is not null)
        {
            var before = Volatile.Read(ref _seen)!.Topics;
            return before.Where(topic => topic.Value.Id is not null)
                .ToDictionary(topic => topic.Key, topic => topic.Value.Id!, StringComparer.Ordinal);
        }
    }

    private Dictionary<string, SeenTopic> Topics(Metadata found, Dictionary<string, string> ids)
    {
        var topics = new Dictionary<string, SeenTopic>(StringComparer.Ordinal);
        foreach (var topic in found.Topics)
        {
            // A topic whose leaders are being chosen may be listed with an error and without partitions: it is as it was.
            if (topic.Partitions.Count > 0 && !topic.Error.IsError)
                topics[topic.Topic] = new(
                    topic.Partitions.Count,
                    topic.Partitions.Min(partition => partition.Replicas.Length), ids.GetValueOrDefault(topic.Topic));
            else if (!topic.Error.IsUnknownTopic() && _seen?.Find(topic.Topic) is { } before)
                topics[topic.Topic] = before;
        }

        return topics;
    }

    private static bool IsOfUsers(string topic) => !topic.StartsWith(InternalPrefix, StringComparison.Ordinal);

    /// <summary>What the brokers answered.</summary>
    /// <param name="At">When they were asked.</param>
    /// <param name="Topics">The topics that this user may describe.</param>
    /// <param name="Brokers">How many brokers there are.</param>
    internal sealed record Seen(long At, Dictionary<string, SeenTopic> Topics, int Brokers)
    {
        public SeenTopic? Find(string topic) => Topics.TryGetValue(topic, out var found) ? found : null;
    }

    /// <summary>A topic.</summary>
    /// <param name="Partitions">How many partitions it has.</param>
    /// <param name="Replicas">How many replicas each partition has at least.</param>
    /// <param name="Id">Its id; null where the brokers give none.</param>
    internal readonly record struct SeenTopic(int Partitions, int Replicas, string? Id)
    {
        public ActorStreams.Log.TopicDescription Describe(string name) => new(name, Partitions, Id);
    }
}
