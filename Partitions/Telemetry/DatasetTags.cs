using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using Tag = System.Collections.Generic.KeyValuePair<string, object?>;

namespace ActorStreams.Partitions.Telemetry;

/// <summary>
/// The attributes of a dataset's measurements, made once, so that measuring allocates nothing. Names, numbers and few words: never a key.
/// </summary>
internal sealed class DatasetTags
{
    internal DatasetTags(Dataset dataset, string application, string system)
    {
        Of = [new(TagNames.Dataset, dataset.Name), new(dataset.Kind == DatasetKind.Entity ? TagNames.Entity : TagNames.View, dataset.Name)];
        Topic = new(TagNames.Destination, dataset.Topic);
        OfTopic = [Topic, .. Of];
        Consumer = [new(TagNames.Group, TopicNames.Reader(application, dataset)), new(TagNames.System, system)];
        Processed = [.. OfTopic, new(TagNames.System, system), new(TagNames.Operation, "process")];
        (Applied, Duplicate, Stale, Gap) = (Ending("applied"), Ending("duplicate"), Ending("stale"), Ending("gap"));
        (Written, Conflict, Failed) = (Ending("written"), Ending("conflict"), Ending("failed"));
        Tag watch = new(TagNames.Subscription, "watch"), routes = new(TagNames.Subscription, "view");
        Watches = [.. Of, watch];
        (Watched, Rewatched, Unwatched) = ([.. Ending("ok"), watch], [.. Ending("retried"), watch], [.. Ending("dropped"), watch]);
        (Routed, Rerouted) = ([.. Ending("ok"), routes], [.. Ending("retried"), routes]);
        RoutesTo = dataset.Dependents.ToDictionary(view => view.Name, Tag[] (view) =>
            [new(TagNames.Dataset, dataset.Name), .. dataset.Kind == DatasetKind.Entity
                ? [new Tag(TagNames.Entity, dataset.Name)]
                : Array.Empty<Tag>(), new(TagNames.View, view.Name), routes]);
    }

    /// <summary>The dataset.</summary>
    internal Tag[] Of { get; }

    internal Tag Topic { get; }

    /// <summary>The dataset and its input log.</summary>
    internal Tag[] OfTopic { get; }

    /// <summary>The consumer group, as the log's own tools know it, and the system.</summary>
    internal Tag[] Consumer { get; }

    internal Tag[] Processed { get; }

    internal Tag[] Applied { get; }

    internal Tag[] Duplicate { get; }

    internal Tag[] Stale { get; }

    internal Tag[] Gap { get; }

    internal Tag[] Written { get; }

    internal Tag[] Conflict { get; }

    internal Tag[] Failed { get; }

    internal Tag[] Watches { get; }

    internal Tag[] Watched { get; }

    internal Tag[] Rewatched { get; }

    internal Tag[] Unwatched { get; }

    /// <summary>A frame for this view that is durable.</summary>
    internal Tag[] Routed { get; }

    /// <summary>A frame for this view whose append failed, so that it is made again.</summary>
    internal Tag[] Rerouted { get; }

    /// <summary>For each view that is fed from this dataset, by its name.</summary>
    internal IReadOnlyDictionary<string, Tag[]> RoutesTo { get; }

    /// <summary>The dataset and its input log, with a kind of fault.</summary>
    internal Tag[] OfFault(FaultKind kind) => [.. OfTopic, new(TagNames.ErrorType, kind.Word())];

    private Tag[] Ending(string outcome) => [.. Of, new(TagNames.Outcome, outcome)];
}
