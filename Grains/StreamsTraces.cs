using System.Diagnostics;
using ActorStreams.Folding;
using ActorStreams.Log;

namespace ActorStreams.Grains;

/// <summary>Spans of the partitions' loops, by OpenTelemetry's messaging conventions: one a batch, never one a record.</summary>
internal static class StreamsTraces
{
    internal const string SourceName = "ActorStreams";
    private static readonly ActivitySource Source = new(SourceName);

    internal static Activity? Process(PartitionFold fold, RecordBatch batch)
    {
        var activity = Source.StartActivity($"process {fold.Dataset.Topic}", ActivityKind.Consumer);
        if (activity is null)
            return null;
        return activity
            .SetTag("messaging.operation.name", "process")
            .SetTag("messaging.operation.type", "process")
            .SetTag("messaging.destination.name", fold.Dataset.Topic)
            .SetTag("messaging.destination.partition.id", fold.Partition.ToString(CultureInfo.InvariantCulture))
            .SetTag("messaging.batch.message_count", batch.Records.Count)
            .SetTag("actorstreams.dataset", fold.Dataset.Name)
            .SetTag("actorstreams.next_offset", batch.NextOffset);
    }
}
