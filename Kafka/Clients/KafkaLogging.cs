using Microsoft.Extensions.Logging;

namespace ActorStreams.Kafka.Clients;

/// <summary>What this room tells its operators.</summary>
internal static partial class KafkaLogging
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Kafka client {Client}: {Text} (told again in {Seconds} s at the earliest)")]
    public static partial void ClientTrouble(this ILogger logger, string client, string text, int seconds);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka client {Client}: {Facility}: {Text}")]
    public static partial void ClientDetail(this ILogger logger, string client, string facility, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The producer is given up, and a new one is made at the next append: {Reason}")]
    public static partial void ProducerGivenUp(this ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The {Name} consumer has ended, and a new one is made at the next use.")]
    public static partial void ConsumerEnded(this ILogger logger, Exception error, string name);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "{Topic}/{Partition} cannot be read from offset {Offset} yet, and is tried again: {Reason}")]
    public static partial void ReaderWaits(this ILogger logger, string topic, int partition, long offset, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Partition}: {Reason}")]
    public static partial void ReaderDetail(this ILogger logger, string partition, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The progress of reader group '{Group}' cannot be committed; Kafka's tools show an old lag until it can. {Reason}")]
    public static partial void ProgressNotCommitted(this ILogger logger, string group, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Topic '{Topic}' loses its old records ({Limit}). A rebuild cannot fold what is gone, and no history goes back before "
            + "it. Set retention.ms=-1 and retention.bytes=-1.")]
    public static partial void FiniteRetention(this ILogger logger, string topic, string limit);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The settings of topic '{Topic}' cannot be seen, and are not checked: {Reason}")]
    public static partial void SettingsNotSeen(this ILogger logger, string topic, string reason);
}
