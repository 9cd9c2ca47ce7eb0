using System.Collections.Concurrent;
using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Topics;

/// <summary>
/// Checks that a topic keeps its records. Compaction is refused, since it removes what a rebuild needs; what only makes failures
/// more likely is logged as a warning, once.
/// </summary>
internal sealed class TopicChecks(TopicSettingsCache settings, ILogger logger)
{
    private const int Enough = 3;

    private readonly ConcurrentDictionary<(string Topic, string Trouble), bool> _told = new();

    /// <exception cref="TopicMismatchException">The topic is compacted.</exception>
    public async ValueTask CheckSourceAsync(string topic, CancellationToken cancellationToken)
    {
        if (await settings.ReadAsync(topic, cancellationToken).ConfigureAwait(false) is not { } found)
            return;
        CheckKept(topic, found);
        if (found.StampsAppends && IsNew(topic, TopicSettings.TimestampType))
            logger.AppendsStamped(topic);
    }

    /// <exception cref="TopicMismatchException">The topic is compacted.</exception>
    public async ValueTask CheckOwnAsync(string topic, int replicas, int brokers, CancellationToken cancellationToken)
    {
        if (replicas < 2 && brokers >= Enough && IsNew(topic, "replicas"))
            logger.TooFewReplicas(topic, replicas, brokers, Enough);
        if (await settings.ReadAsync(topic, cancellationToken).ConfigureAwait(false) is not { } found)
            return;
        CheckKept(topic, found);
        if (replicas >= Enough && found.MinInSyncReplicas < 2 && IsNew(topic, "min.insync.replicas"))
            logger.TooFewInSync(topic, replicas, found.MinInSyncReplicas);
    }

    public void Forget(string topic) => settings.Forget(topic);

    private void CheckKept(string topic, TopicSettings found)
    {
        if (found.CleanupPolicy.Contains("compact", StringComparison.Ordinal))
        {
            throw new TopicMismatchException(
                $"Topic '{topic}' has cleanup.policy={found.CleanupPolicy}: Kafka removes records that a rebuild needs. Set "
                    + "cleanup.policy=delete and retention.ms=-1.");
        }

        if (found.RetentionMilliseconds >= 0 && IsNew(topic, "retention.ms"))
            logger.FiniteRetention(topic, $"retention.ms={found.RetentionMilliseconds}");
        if (found.RetentionBytes >= 0 && IsNew(topic, "retention.bytes"))
            logger.FiniteRetention(topic, $"retention.bytes={found.RetentionBytes}");
    }

    private bool IsNew(string topic, string trouble) => _told.TryAdd((topic, trouble), true);
}
