using ActorStreams.Log;
using Confluent.Kafka;

namespace ActorStreams.Kafka.Clients;

/// <summary>Errors of the client, as what the caller must do.</summary>
internal static class KafkaFaults
{
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

    /// <summary>The error for something that did not work now.</summary>
    public static LogUnavailableException Unavailable(string what, Error error, Exception? inner = null) => new(
        $"{what}: {error.Code}: {error.Reason.TrimEnd('.')}. " + Remedy(error), inner);

    /// <summary>The log has been disposed.</summary>
    public static ObjectDisposedException Closed() => new("KafkaChangeLog", "The Kafka change log is closed.");

    public static void ThrowIfClosed(bool isClosed)
    {
        if (isClosed)
            throw Closed();
    }

    private static string Remedy(Error error) => error switch
    {
        { Code: ErrorCode.TopicAuthorizationFailed } => "Allow this user to describe, read and write the topic (docs/operate/kafka.md).",
        { Code: ErrorCode.GroupAuthorizationFailed } => "Allow this user the groups named in docs/operate/kafka.md.",
        { Code: ErrorCode.ClusterAuthorizationFailed } =>
            "Allow this user the cluster operations named in docs/operate/kafka.md (IdempotentWrite, and Create where topics are made "
            + "here).",
        { Code: ErrorCode.MsgSizeTooLarge } =>
            $"Raise the topic's max.message.bytes, or lower {KafkaOptions.Section}:{nameof(KafkaOptions.MaxRecordBytes)}.",
        { Code: ErrorCode.Local_GaplessGuarantee } =>
            "The brokers refused a batch for good, and what was to come after it is not sent: correct what they name (a topic's limits, "
            + "say), and try again.",
        { Code: ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed } => "Check the credentials.",
        _ => "Nothing is lost; try again.",
    };
}
