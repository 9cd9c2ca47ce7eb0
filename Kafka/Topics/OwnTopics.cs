using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace ActorStreams.Kafka.Topics;

/// <summary>Creates and deletes the topics that are ours.</summary>
internal sealed class OwnTopics(
    RenewedClient<IAdminClient> admin,
    TopicDirectory topics,
    TopicChecks checks,
    KafkaOptions options,
    ClientSettings settings,
    TimeProvider time)
{
    private const string AnyTime = "9223372036854775807";
    private const int DefaultReplicas = 3;
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(50);

    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(options.RequestTimeoutSeconds);

    /// <summary>Creates a topic, or checks that the one that exists is as it is asked for.</summary>
    public async ValueTask CreateAsync(string topic, int partitions, CancellationToken cancellationToken)
    {
        var seen = await topics.AskAsync(cancellationToken).ConfigureAwait(false);
        if (!seen.Topics.ContainsKey(topic))
        {
            await CreateMissingAsync(topic, partitions, seen.Brokers).ConfigureAwait(false);
            seen = await SeenAsync(topic, cancellationToken).ConfigureAwait(false);
        }

        var found = seen.Topics[topic];
        if (found.Partitions != partitions)
            throw new TopicMismatchException(topic, found.Partitions, partitions);
        await checks.CheckOwnAsync(topic, found.Replicas, seen.Brokers, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes a topic, and waits until the brokers no longer list it.</summary>
    public async ValueTask DeleteAsync(string topic, CancellationToken cancellationToken)
    {
        if (!(await topics.AskAsync(cancellationToken).ConfigureAwait(false)).Topics.ContainsKey(topic))
            return;
        try
        {
            var limits = new DeleteTopicsOptions { RequestTimeout = _timeout, OperationTimeout = _timeout };
            await admin.CallAsync(client => DoneAsync(client.DeleteTopicsAsync([topic], limits))).ConfigureAwait(false);
        }
        catch (KafkaException error)
        {
            var cause = error is DeleteTopicsException { Results: [var result, ..] } ? result.Error : error.Error;
            if (!cause.IsUnknownTopic())
            {
                throw new LogUnavailableException(
                    $"Topic '{topic}' cannot be deleted: {cause.Code}: {cause.Reason.TrimEnd('.')}. Delete it yourself, or allow "
                        + "this user to, and try again.", error);
            }
        }

        // The caller creates the topic again at once, so the old one must be gone first.
        while ((await topics.AskAsync(cancellationToken).ConfigureAwait(false)).Topics.ContainsKey(topic))
            await Task.Delay(Settle, time, cancellationToken).ConfigureAwait(false);
        checks.Forget(topic);
    }

    private async Task CreateMissingAsync(string topic, int partitions, int brokers)
    {
        var replicas = options.ReplicationFactor > 0 ? options.ReplicationFactor : (short)Math.Clamp(brokers, 1, DefaultReplicas);
        var inSync = options.MinInSyncReplicas > 0 ? options.MinInSyncReplicas : replicas >= DefaultReplicas ? DefaultReplicas - 1 : 0;
        var configs = new Dictionary<string, string>
        {
            ["cleanup.policy"] = "delete",
            ["retention.ms"] = "-1",
            ["retention.bytes"] = "-1",
            ["max.message.bytes"] = (settings.MaxBatchBytes + 10_000).ToString(CultureInfo.InvariantCulture),
            [TopicSettings.TimestampType] = "CreateTime",
        };
        if (inSync > 0)
            configs["min.insync.replicas"] = inSync.ToString(CultureInfo.InvariantCulture);
        try
        {
            var specification = new TopicSpecification { Name = topic, NumPartitions = partitions, ReplicationFactor = replicas };
            specification.Configs = new(configs) { [TopicSettings.TimestampBefore] = AnyTime, [TopicSettings.TimestampAfter] = AnyTime };
            if (await TryCreateAsync(specification).ConfigureAwait(false))
                return;
            specification.Configs = configs;
            await TryCreateAsync(specification).ConfigureAwait(false);
        }
        catch (KafkaException error)
        {
            throw CannotCreate(topic, partitions, replicas, Cause(error), error);
        }
    }

    /// <summary>False where the brokers do not know the limits on timestamps: those before 3.6, which have none.</summary>
    private async Task<bool> TryCreateAsync(TopicSpecification specification)
    {
        try
        {
            var limits = new CreateTopicsOptions { RequestTimeout = _timeout, OperationTimeout = _timeout };
            await admin.CallAsync(client => DoneAsync(client.CreateTopicsAsync([specification], limits))).ConfigureAwait(false);
            return true;
        }
        catch (KafkaException error) when (Cause(error).Code == ErrorCode.TopicAlreadyExists)
        {
            return true;
        }
        catch (KafkaException error) when (IsUnknownLimit(Cause(error)) && specification.Configs.ContainsKey(TopicSettings.TimestampBefore))
        {
            return false;
        }
    }

    private static bool IsUnknownLimit(Error cause) =>
        cause.Code == ErrorCode.InvalidConfig && cause.Reason.Contains("message.timestamp.", StringComparison.Ordinal);

    private static Error Cause(KafkaException error) =>
        error is CreateTopicsException { Results: [var result, ..] } ? result.Error : error.Error;

    private static LogUnavailableException CannotCreate(string topic, int partitions, int replicas, Error cause, Exception error) => new(
        $"Topic '{topic}' does not exist, or this user may not describe it, and it cannot be created here: {cause.Code}: "
            + $"{cause.Reason.TrimEnd('.')}. "
        + $"Create it yourself with {partitions} partitions, replication factor {replicas}, cleanup.policy=delete, retention.ms=-1 "
        + "and retention.bytes=-1, "
        + "or allow this user to create topics, and try again.",
        error);

    /// <summary>Waits until the new topic is listed with all its partitions.</summary>
    private async Task<TopicDirectory.Seen> SeenAsync(string topic, CancellationToken cancellationToken)
    {
        for (var since = time.GetTimestamp(); ;)
        {
            var seen = await topics.AskAsync(cancellationToken).ConfigureAwait(false);
            if (seen.Topics.ContainsKey(topic))
                return seen;
            if (time.GetElapsedTime(since) > _timeout)
            {
                throw new LogUnavailableException(
                    $"Topic '{topic}' exists, but the brokers do not list it to this user. Allow this user to describe, read and "
                        + "write it (docs/operate/kafka.md).");
            }

            await Task.Delay(Settle, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<bool> DoneAsync(Task task)
    {
        await task.ConfigureAwait(false);
        return true;
    }
}
