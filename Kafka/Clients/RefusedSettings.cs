namespace ActorStreams.Kafka.Clients;

/// <summary>The settings of librdkafka that are not the user's to choose here, with the reason.</summary>
internal static class RefusedSettings
{
    private const string Lost = "appends must be durable, in order and without gaps";
    private const string Retried = $"appends are tried again until {nameof(KafkaOptions.AppendTimeoutSeconds)}, and one given up "
        + "alone would leave a gap";
    private const string OwnOffsets = "readers begin at the positions of checkpoints, and offsets committed to Kafka are information alone";
    private const string NoGroup = "partitions are placed by the cluster of silos, not by a consumer group";

    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
    {
        ["bootstrap.servers"] = $"set {KafkaOptions.Section}:{nameof(KafkaOptions.BootstrapServers)}",
        ["metadata.broker.list"] = $"set {KafkaOptions.Section}:{nameof(KafkaOptions.BootstrapServers)}",
        ["message.max.bytes"] = $"set {KafkaOptions.Section}:{nameof(KafkaOptions.MaxRecordBytes)}",
        ["enable.idempotence"] = Lost,
        ["enable.gapless.guarantee"] = Lost,
        ["acks"] = Lost,
        ["request.required.acks"] = Lost,
        ["message.timeout.ms"] = Retried,
        ["delivery.timeout.ms"] = Retried,
        ["message.send.max.retries"] = Retried,
        ["retries"] = Retried,
        ["transactional.id"] = "exactness comes from positions and marks, not from transactions",
        ["partitioner"] = "the partition of a record is always given, by the hash that Java clients use",
        ["delivery.report.only.error"] = "an append is answered with its positions",
        ["isolation.level"] = "records of aborted transactions must not be read",
        ["auto.offset.reset"] = "an offset that is no longer there must be an error, not a jump",
        ["enable.partition.eof"] = "the end of a partition must be seen",
        ["enable.auto.commit"] = OwnOffsets,
        ["auto.commit.enable"] = OwnOffsets,
        ["enable.auto.offset.store"] = OwnOffsets,
        ["group.id"] = NoGroup,
        ["group.instance.id"] = NoGroup,
        ["group.protocol"] = NoGroup,
        ["group.remote.assignor"] = NoGroup,
        ["partition.assignment.strategy"] = NoGroup,
        ["statistics.interval.ms"] = $"set {KafkaOptions.Section}:{nameof(KafkaOptions.StatisticsSeconds)}",
        ["allow.auto.create.topics"] = "a topic that is only looked at must not come into being",
    };

    /// <summary>Why this setting may not be given; null when it may.</summary>
    public static string? ReasonFor(string name) =>
        name.StartsWith("dotnet.", StringComparison.Ordinal)
            ? "it belongs to the client library's own code"
            : Reasons.GetValueOrDefault(name);
}
