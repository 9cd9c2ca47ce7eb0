using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace ActorStreams.Kafka.Topics;

/// <summary>Whether topics may be deleted, found out before anything is.</summary>
internal sealed class TopicDeletions(RenewedClient<IAdminClient> admin, BrokerTroubles troubles, KafkaOptions options)
{
    private const string DeletionSetting = "delete.topic.enable";

    private readonly TimeSpan _timeout = TimeSpan.FromSeconds(options.RequestTimeoutSeconds);

    /// <exception cref="TopicNotDeletableException">This user may not delete some, or the brokers let nobody delete topics.</exception>
    /// <exception cref="LogUnavailableException">The brokers cannot be asked now.</exception>
    public async ValueTask CheckAsync(IReadOnlyList<string> topics, CancellationToken cancellationToken)
    {
        try
        {
            if (await ForbiddenAsync(topics).WaitAsync(cancellationToken).ConfigureAwait(false) is { Count: > 0 } forbidden)
            {
                throw new TopicNotDeletableException(
                    $"This user may not delete {string.Join(", ", forbidden.Select(topic => $"'{topic}'"))}. Nothing was changed. Allow "
                    + "this user to delete them (docs/operate/kafka.md), and try again.");
            }

            if (await AreKeptAsync().WaitAsync(cancellationToken).ConfigureAwait(false))
            {
                throw new TopicNotDeletableException(
                    $"The brokers have {DeletionSetting}=false, so {string.Join(", ", topics.Select(topic => $"'{topic}'"))} cannot be "
                    + $"deleted. Nothing was changed. Set {DeletionSetting}=true, and try again.");
            }
        }
        catch (KafkaException error)
        {
            throw troubles.Unavailable("It cannot be found out which topics may be deleted", error.Error, error);
        }
    }

    private async Task<List<string>> ForbiddenAsync(IReadOnlyList<string> topics)
    {
        var asked = new DescribeTopicsOptions { RequestTimeout = _timeout, IncludeAuthorizedOperations = true };
        var found = await admin.CallAsync(client => client.DescribeTopicsAsync(TopicCollection.OfTopicNames(topics), asked))
            .ConfigureAwait(false);
        return [.. found.TopicDescriptions.Where(topic => !topic.AuthorizedOperations.Contains(AclOperation.Delete)).Select(t => t.Name)];
    }

    /// <summary>False where this user may not read the brokers' settings: then the deletion itself must tell.</summary>
    private async Task<bool> AreKeptAsync()
    {
        try
        {
            var cluster = await admin.CallAsync(client => client.DescribeClusterAsync(new() { RequestTimeout = _timeout }))
                .ConfigureAwait(false);
            var broker = new ConfigResource { Type = ResourceType.Broker, Name = $"{cluster.Controller.Id}" };
            var found = await admin.CallAsync(client => client.DescribeConfigsAsync([broker], new() { RequestTimeout = _timeout }))
                .ConfigureAwait(false);
            return found[0].Entries.GetValueOrDefault(DeletionSetting)?.Value == "false";
        }
        catch (KafkaException error) when ((error as DescribeConfigsException)?.Results.FirstOrDefault()?.Error is { } cause
            && (cause.IsForbidden() || cause.IsUnsupported()))
        {
            return false;
        }
    }
}
