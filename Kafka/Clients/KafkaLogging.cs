using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Clients;

/// <summary>The log messages of this room.</summary>
internal static partial class KafkaLogging
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Kafka client {Client}: {Text} (told again in {Seconds} s at the earliest)")]
    public static partial void ClientTrouble(this ILogger logger, string client, string text, int seconds);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Files that Kafka:Settings names have changed. New connections use them; connections that are open stay.")]
    public static partial void SettingFilesChanged(this ILogger logger);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Files that Kafka:Settings names have changed but cannot be used, and what they held before is used on: {Reason}")]
    public static partial void SettingFilesNotUsed(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka client {Client}: {Facility}: {Text}")]
    public static partial void ClientDetail(this ILogger logger, string client, string facility, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The {Name} is given up, and a new one is made at the next append: {Reason}")]
    public static partial void ProducerGivenUp(this ILogger logger, string name, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The {Name} consumer has ended, and a new one is made at the next use.")]
    public static partial void ConsumerEnded(this ILogger logger, Exception error, string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Topic}/{Partition} cannot be read from offset {Offset} yet, and is tried "
        + "again: {Reason}")]
    public static partial void ReaderWaits(this ILogger logger, string topic, int partition, long offset, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Partition}: {Reason}")]
    public static partial void ReaderDetail(this ILogger logger, string partition, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The progress of reader group '{Group}' cannot be committed; Kafka's tools "
        + "show an old lag until it can. {Reason}")]
    public static partial void ProgressNotCommitted(this ILogger logger, string group, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Topic '{Topic}' loses its old records ({Limit}). A rebuild cannot fold what is gone, and no history goes back "
            + "before it. "
            + "Set retention.ms=-1 and retention.bytes=-1.")]
    public static partial void FiniteRetention(this ILogger logger, string topic, string limit);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Topic '{Topic}' has message.timestamp.type=LogAppendTime: brokers replace the timestamps of its records by the "
            + "time of the append. "
            + "Set message.timestamp.type=CreateTime.")]
    public static partial void AppendsStamped(this ILogger logger, string topic);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Topic '{Topic}' has replication factor {Replicas} on {Brokers} brokers: its records are lost with one disk. "
            + "Raise it to {Wanted} with kafka-reassign-partitions.sh, and set min.insync.replicas=2.")]
    public static partial void TooFewReplicas(this ILogger logger, string topic, int replicas, int brokers, int wanted);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Topic '{Topic}' has replication factor {Replicas} but min.insync.replicas={InSync}: an append may be "
            + "acknowledged by one broker alone, and lost with it. "
            + "Set min.insync.replicas=2.")]
    public static partial void TooFewInSync(this ILogger logger, string topic, int replicas, int inSync);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The settings of topic '{Topic}' cannot be read, so that neither its retention nor its limits are checked ({Reason}). "
            + "Allow this user DescribeConfigs on the topic.")]
    public static partial void SettingsNotSeen(this ILogger logger, string topic, string reason);
}
