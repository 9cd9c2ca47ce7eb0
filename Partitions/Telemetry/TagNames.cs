namespace ActorStreams.Partitions.Telemetry;

/// <summary>The attributes of metrics and spans: OpenTelemetry's messaging conventions, and our own.</summary>
internal static class TagNames
{
    internal const string Dataset = "actorstreams.dataset";
    internal const string Build = "actorstreams.build";
    internal const string Entity = "actorstreams.entity.type";
    internal const string View = "actorstreams.view.name";
    internal const string Subscription = "actorstreams.subscription.kind";
    internal const string Destination = "messaging.destination.name";
    internal const string Partition = "messaging.destination.partition.id";
    internal const string System = "messaging.system";
    internal const string Operation = "messaging.operation.name";
    internal const string OperationType = "messaging.operation.type";
    internal const string Group = "messaging.consumer.group.name";
    internal const string BatchCount = "messaging.batch.message_count";
    internal const string ErrorType = "error.type";
    internal const string Outcome = "outcome";
    internal const string Reason = "reason";
}
