using ActorStreams.Log;
using Confluent.Kafka;

namespace ActorStreams.Kafka.Clients;

/// <summary>Errors of the client, as what the caller must do.</summary>
internal static class KafkaFaults
{
    private const string Page = "docs/operate/kafka.md";

    /// <summary>The brokers do not know this topic or partition.</summary>
    public static bool IsUnknownTopic(this Error error) =>
        error.Code is ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic or ErrorCode.Local_UnknownPartition
            or ErrorCode.UnknownTopicId;

    /// <summary>The brokers, or this build of them, do not offer the request.</summary>
    public static bool IsUnsupported(this Error error) =>
        error.Code is ErrorCode.Local_UnsupportedFeature or ErrorCode.UnsupportedVersion or ErrorCode.InvalidRequest
            or ErrorCode.Local_NotImplemented;

    /// <summary>The user that this process is to Kafka may not do it.</summary>
    public static bool IsForbidden(this Error error) =>
        error.Code is ErrorCode.TopicAuthorizationFailed or ErrorCode.GroupAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed
            or ErrorCode.TransactionalIdAuthorizationFailed or ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed;

    /// <summary>Brokers do not list topics that a user may not describe, so the two cases cannot be distinguished.</summary>
    public static UnknownTopicException UnknownTopic(string topic) => new(
        $"Topic '{topic}' does not exist, or this user may not describe it. Create it, correct the name, or allow this user to "
            + $"describe it ({Page}).");

    /// <summary>The log has been disposed.</summary>
    public static ObjectDisposedException Closed() => new("KafkaChangeLog", "The Kafka change log is closed.");

    public static void ThrowIfClosed(bool isClosed)
    {
        if (isClosed)
            throw Closed();
    }

    /// <summary>The remedy for an error.</summary>
    public static string Remedy(Error error) => error.Code switch
    {
        ErrorCode.TopicAuthorizationFailed => $"Allow this user to describe, read and write the topic ({Page}).",
        ErrorCode.GroupAuthorizationFailed => $"Allow this user the groups named in {Page}.",
        ErrorCode.ClusterAuthorizationFailed =>
            $"Allow this user the cluster operations named in {Page} (IdempotentWrite, and Create where topics are made here).",
        ErrorCode.MsgSizeTooLarge =>
            $"Raise the topic's max.message.bytes, or lower {KafkaOptions.Section}:{nameof(KafkaOptions.MaxRecordBytes)}.",
        ErrorCode.Local_GaplessGuarantee =>
            "The brokers refused a batch for good, and what was to come after it is not sent. Correct what they name (a topic's "
                + "limits, say), and try again.",
        ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed =>
            $"Check the user name, the password and sasl.mechanism in {KafkaOptions.Section}:{nameof(KafkaOptions.Settings)}.",
        ErrorCode.Local_Ssl =>
            $"Check ssl.ca.location in {KafkaOptions.Section}:{nameof(KafkaOptions.Settings)}, and that the brokers' certificates "
                + "name their hosts.",
        ErrorCode.Local_Resolve => $"Check the hosts in {KafkaOptions.Section}:{nameof(KafkaOptions.BootstrapServers)}.",
        _ => "Check that the brokers can be reached, and try again.",
    };
}
