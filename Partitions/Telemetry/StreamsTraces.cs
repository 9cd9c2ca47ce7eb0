using System.Diagnostics;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;
using Tag = System.Collections.Generic.KeyValuePair<string, object?>;

namespace ActorStreams.Partitions.Telemetry;

/// <summary>
/// Spans by OpenTelemetry's messaging conventions, one a batch and never one a record: <c>send {topic}</c> for an append, <c>process
/// {topic}</c> for the fold of a batch. The context of a sampled <c>send</c> goes with its records (<see cref="TraceHeaders"/>), so that an
/// append, its fold, the frames for the views and their fold are one trace.
/// <code>
/// POST records → send orders → process orders → send view.input → process view.input → …
/// </code>
/// A batch holds records of many appends: its span is linked to all that were sampled, up to <see cref="MaxLinks"/>, and is a child of
/// the first, so that what was sampled stays so. Where nothing listens, no span is made, and no header is read or written. No span
/// contains a key or a value.
/// </summary>
internal static class StreamsTraces
{
    internal const string SourceName = "ActorStreams";

    /// <summary>Links of one span: with more sampled appends in a batch, the later ones are left out.</summary>
    internal const int MaxLinks = 16;

    private static readonly ActivitySource Source = new(SourceName);

    internal static bool HasListeners => Source.HasListeners();

    /// <summary>The fold of a batch; null if nothing listens.</summary>
    internal static Activity? Process(string application, string system, PartitionFold fold, RecordBatch batch)
    {
        if (!HasListeners)
            return null;
        var producers = TraceHeaders.Producers(batch.Records, MaxLinks);
        return Start("process", ActivityKind.Consumer, fold.Dataset.Topic, system, batch.Records.Count, producers,
        [
            new(TagNames.Partition, fold.Partition.ToString(CultureInfo.InvariantCulture)),
            new(TagNames.Group, Definitions.TopicNames.Reader(application, fold.Dataset)),
            new(TagNames.Dataset, fold.Dataset.Name),
            new("actorstreams.next_offset", batch.NextOffset),
        ]);
    }

    /// <summary>An append that the current activity makes, or one for the batches of these spans; null if nothing listens.</summary>
    internal static Activity? Send(string system, string topic, int records, IReadOnlyList<ActivityContext> causes) =>
        HasListeners ? Start("send", ActivityKind.Producer, topic, system, records, causes, []) : null;

    /// <summary>Marks the span as failed, with the kind of error only, since its message may contain a key or a value.</summary>
    internal static void Failed(this Activity? activity, Exception error) =>
        activity?.SetStatus(ActivityStatusCode.Error).SetTag(TagNames.ErrorType, error.GetType().FullName);

    private static Activity? Start(
        string operation, ActivityKind kind, string topic, string system, int records, IReadOnlyList<ActivityContext> causes, Tag[] more) =>
            Source.StartActivity(
            $"{operation} {topic}", kind, causes.Count > 0 ? causes[0] : default,
            [
                new(TagNames.Operation, operation), new(TagNames.OperationType, operation), new(TagNames.System, system),
                new(TagNames.Destination, topic),
                new(TagNames.BatchCount, records), .. more,
            ],
            causes.Select(cause => new ActivityLink(cause)));
}
