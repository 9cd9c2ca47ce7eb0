using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Logging;
using TopicDescription = ActorStreams.Log.TopicDescription;

namespace ActorStreams.Kafka.Topics;

/// <summary>
/// Knows the topics, and makes and removes those that are ours. Always all topics are asked for: to ask for one by its name makes it
/// come into being on some brokers.
/// </summary>
internal sealed class TopicDirectory(IAdminClient admin, KafkaOptions options, ClientSettings settings, ILogger logger, TimeProvider time)
{
    private const string InternalPrefix = "__";
    private const int SettingsSeconds = 3;
    private const string TimestampBefore = "message.timestamp.before.max.ms";
    private const string TimestampAfter = "message.timestamp.after.max.ms";
    private const string AnyTime = "9223372036854775807";
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(50);

    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(options.RequestTimeoutSeconds);
    private readonly TimeSpan _settingsTimeout = TimeSpan.FromSeconds(Math.Min(options.RequestTimeoutSeconds, SettingsSeconds));
    private readonly Lock _gate = new();
    private Task<Seen>? _asking;
    private Seen? _seen;
    private volatile bool _hidesSettings = !options.ChecksTopicSettings;

    /// <summary>The number of partitions, as far as it is known and not too old; null when it must be asked for.</summary>
    public int? Known(string topic)
    {
        var seen = Volatile.Read(ref _seen);
        return seen is not null && time.GetElapsedTime(seen.At).TotalSeconds < options.TopicCacheSeconds
            && seen.Partitions.TryGetValue(topic, out var partitions) ? partitions : null;
    }

    /// <summary>The number of partitions; null when there is no such topic.</summary>
    public async ValueTask<int?> PartitionsAsync(string topic, CancellationToken cancellationToken) =>
        Known(topic)
            ?? ((await AskAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(topic, out var partitions) ? partitions : null);

    /// <summary>Passes a topic that exists, and a partition that it has.</summary>
    public async ValueTask<int> CheckedAsync(string topic, CancellationToken cancellationToken) =>
        await PartitionsAsync(topic, cancellationToken).ConfigureAwait(false) ?? throw UnknownTopicException.Topic(topic);

    public async ValueTask<IReadOnlyList<TopicDescription>> ListAsync(CancellationToken cancellationToken) =>
    [
        .. (await AskAsync(cancellationToken).ConfigureAwait(false))
            .Where(topic => !topic.Key.StartsWith(InternalPrefix, StringComparison.Ordinal))
            .OrderBy(topic => topic.Key, StringComparer.Ordinal)
            .Select(topic => new TopicDescription(topic.Key, topic.Value)),
    ];

    public async ValueTask CreateAsync(string topic, int partitions, CancellationToken cancellationToken)
    {
        if (!(await AskAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(topic, out var existing))
        {
            await CreateMissingAsync(topic, partitions).ConfigureAwait(false);
            existing = await SeenAsync(topic, cancellationToken).ConfigureAwait(false);
        }

        if (existing != partitions)
            throw new TopicMismatchException(topic, existing, partitions);
        await CheckSettingsAsync(topic).ConfigureAwait(false);
    }

    public async ValueTask DeleteAsync(string topic, CancellationToken cancellationToken)
    {
        if (!(await AskAsync(cancellationToken).ConfigureAwait(false)).ContainsKey(topic))
            return;
        try
        {
            await admin.DeleteTopicsAsync([topic], new() { RequestTimeout = _timeout, OperationTimeout = _timeout }).ConfigureAwait(false);
        }
        catch (KafkaException error)
        {
            var cause = error is DeleteTopicsException { Results: [var result, ..] } ? result.Error : error.Error;
            if (!cause.IsUnknownTopic())
                throw new LogUnavailableException(
                    $"Topic '{topic}' cannot be deleted: {cause.Code}: {cause.Reason}. "
                    + "Delete it yourself, or allow this user to, and try again.", error);
        }

        // Whoever writes it again does so at once, and must not meet what is left of the old one.
        while ((await AskAsync(cancellationToken).ConfigureAwait(false)).ContainsKey(topic))
            await Task.Delay(Settle, time, cancellationToken).ConfigureAwait(false);
    }

    private async Task CreateMissingAsync(string topic, int partitions)
    {
        var configs = new Dictionary<string, string>
        {
            ["cleanup.policy"] = "delete",
            ["retention.ms"] = "-1",
            ["retention.bytes"] = "-1",
            ["max.message.bytes"] = (settings.MaxBatchBytes + 10_000).ToString(CultureInfo.InvariantCulture),
            ["message.timestamp.type"] = "CreateTime",
        };
        if (options.MinInSyncReplicas > 0)
            configs["min.insync.replicas"] = options.MinInSyncReplicas.ToString(CultureInfo.InvariantCulture);
        try
        {
            await CreateMissingAsync(
                topic, partitions, new(configs) { [TimestampBefore] = AnyTime, [TimestampAfter] = AnyTime }).ConfigureAwait(false);
        }
        catch (KafkaException error) when (Cause(error) is { Code: ErrorCode.InvalidConfig } cause
            && cause.Reason.Contains(TimestampBefore, StringComparison.Ordinal))
        {
            // Brokers before 3.6 do not know these limits, and have none.
            await CreateMissingAsync(topic, partitions, configs).ConfigureAwait(false);
        }
        catch (KafkaException error)
        {
            throw CannotCreate(topic, partitions, Cause(error), error);
        }
    }

    private async Task CreateMissingAsync(string topic, int partitions, Dictionary<string, string> configs)
    {
        var specification = new TopicSpecification
        {
            Name = topic, NumPartitions = partitions, ReplicationFactor = options.ReplicationFactor, Configs = configs,
        };
        try
        {
            await admin.CreateTopicsAsync(
                [specification], new() { RequestTimeout = _timeout, OperationTimeout = _timeout }).ConfigureAwait(false);
        }
        catch (KafkaException error) when (Cause(error) is { Code: not ErrorCode.InvalidConfig } cause)
        {
            if (cause.Code != ErrorCode.TopicAlreadyExists)
                throw CannotCreate(topic, partitions, cause, error);
        }
    }

    private static Error Cause(KafkaException error) =>
        error is CreateTopicsException { Results: [var result, ..] } ? result.Error : error.Error;

    private static LogUnavailableException CannotCreate(string topic, int partitions, Error cause, Exception error) => new(
        $"Topic '{topic}' does not exist and cannot be created here: {cause.Code}: {cause.Reason.TrimEnd('.')}. "
        + $"Create it yourself with {partitions} partitions, cleanup.policy=delete, retention.ms=-1 and retention.bytes=-1, "
        + "or allow this user to create topics, and try again.",
        error);

    /// <summary>Waits until the new topic is known with all its partitions.</summary>
    private async Task<int> SeenAsync(string topic, CancellationToken cancellationToken)
    {
        int partitions;
        while (!(await AskAsync(cancellationToken).ConfigureAwait(false)).TryGetValue(topic, out partitions))
            await Task.Delay(Settle, time, cancellationToken).ConfigureAwait(false);
        return partitions;
    }

    /// <summary>
    /// Looks whether the topic keeps its records. Who may not see its settings, or has brokers that do not tell them, goes without,
    /// and is not made to wait again.
    /// </summary>
    private async Task CheckSettingsAsync(string topic)
    {
        if (_hidesSettings)
            return;
        try
        {
            var found = await admin.DescribeConfigsAsync(
                [new() { Type = ResourceType.Topic, Name = topic }], new() { RequestTimeout = _settingsTimeout }).ConfigureAwait(false);
            Check(topic, found[0].Entries);
        }
        catch (KafkaException error)
        {
            var cause = error is DescribeConfigsException { Results: [var result, ..] } ? result.Error : error.Error;
            logger.SettingsNotSeen(topic, $"{cause.Code}: {cause.Reason}");
            _hidesSettings = cause.IsUnsupported() || cause.Code == ErrorCode.Local_TimedOut;
        }
    }

    private void Check(string topic, Dictionary<string, ConfigEntryResult> entries)
    {
        var policy = entries.GetValueOrDefault("cleanup.policy")?.Value ?? "";
        if (policy.Contains("compact", StringComparison.Ordinal))
            throw new TopicMismatchException(
                $"Topic '{topic}' has cleanup.policy={policy}: Kafka would remove records that a rebuild needs. "
                + "Set cleanup.policy=delete.");
        if (!policy.Contains("delete", StringComparison.Ordinal))
            return;
        foreach (var limit in new[] { "retention.ms", "retention.bytes" })
        {
            if (entries.GetValueOrDefault(limit)?.Value is { } value && value != "-1")
                logger.FiniteRetention(topic, $"{limit}={value}");
        }
    }

    /// <summary>
    /// All topics as the brokers know them now. Those who ask at the same time share one answer that is asked
    /// for after the last of them came.
    /// </summary>
    private async Task<Dictionary<string, int>> AskAsync(CancellationToken cancellationToken)
    {
        Task<Seen> asking;
        var earlier = Volatile.Read(ref _asking);
        if (earlier is not null)
        {
            // Under way since before this call, so its answer may be older than what the caller knows.
            await ((Task)earlier).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        lock (_gate)
        {
            if (_asking is null || _asking == earlier)
            {
                // The client's call blocks until the answer is there; one thread at most waits so.
                _asking = Task.Factory.StartNew(Ask, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            }

            asking = _asking;
        }

        return (await asking.WaitAsync(cancellationToken).ConfigureAwait(false)).Partitions;
    }

    private Seen Ask()
    {
        try
        {
            var at = time.GetTimestamp();
            var found = admin.GetMetadata(_timeout).Topics;
            var seen = new Seen(
                at,
                found.Where(t => !t.Error.IsError && t.Partitions.Count > 0)
                    .ToDictionary(t => t.Topic, t => t.Partitions.Count, StringComparer.Ordinal));
            Volatile.Write(ref _seen, seen);
            return seen;
        }
        catch (KafkaException error)
        {
            throw KafkaFaults.Unavailable("The topics cannot be asked for", error.Error, error);
        }
        finally
        {
            lock (_gate)
                _asking = null;
        }
    }

    private sealed record Seen(long At, Dictionary<string, int> Partitions);
}
