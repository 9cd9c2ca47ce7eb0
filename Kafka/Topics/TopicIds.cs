using ActorStreams.Kafka.Clients;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace ActorStreams.Kafka.Topics;

/// <summary>The ids that brokers give to topics: a topic that is deleted and made again has another one.</summary>
internal static class TopicIds
{
    /// <summary>What the client calls the absence of an id.</summary>
    private const string None = "AAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>The ids of these topics, in one request; without those that have none, since the brokers are older than ids.</summary>
    public static async Task<Dictionary<string, string>> AskAsync(
        RenewedClient<IAdminClient> admin, IReadOnlyCollection<string> topics, TimeSpan timeout)
    {
        if (topics.Count == 0)
            return [];
        List<TopicDescription> found;
        try
        {
            var limits = new DescribeTopicsOptions { RequestTimeout = timeout };
            var wanted = TopicCollection.OfTopicNames(topics);
            found = (await admin.CallAsync(client => client.DescribeTopicsAsync(wanted, limits)).ConfigureAwait(false)).TopicDescriptions;
        }
        catch (DescribeTopicsException error)
        {
            found = error.Results.TopicDescriptions; // some topics have just been deleted
        }
        catch (KafkaException error) when (error.Error.IsUnsupported())
        {
            return [];
        }

        return found.Where(topic => !topic.Error.IsError && Text($"{topic.TopicId}") is not null)
            .ToDictionary(topic => topic.Name, topic => Text($"{topic.TopicId}")!, StringComparer.Ordinal);
    }

    /// <summary>An id of the client as Kafka's own tools write it; null for none.</summary>
    public static string? Text(string id) => id is None or "" ? null : id.Replace('+', '-').Replace('/', '_');
}
