using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using Tag = System.Collections.Generic.KeyValuePair<string, object?>;

namespace ActorStreams.Partitions.Telemetry;

/// <summary>
/// The attributes of a dataset's measurements, made once, so that measuring allocates nothing. Names, numbers and few words: never a key.
/// </summary>
internal sealed class DatasetTags
{
    private readonly Dataset _dataset;

    internal DatasetTags(Dataset dataset, string application, string system)
    {
        _dataset = dataset;
        Of =
        [
            new(TagNames.Dataset, dataset.Name), new(dataset.Kind == DatasetKind.Entity ? TagNames.Entity : TagNames.View, dataset.Name),
            new(TagNames.Build, dataset.Build),
        ];
        Topic = new(TagNames.Destination, dataset.Topic);
        OfTopic = [Topic, .. Of];
        Consumer = [new(TagNames.Group, TopicNames.Reader(application, dataset)), new(TagNames.System, system)];
        Processed = [.. OfTopic, new(TagNames.System, system), new(TagNames.Operation, "process")];
        (Applied, Duplicate, Stale, Gap) = (Ending("applied"), Ending("duplicate"), Ending("stale"), Ending("gap"));
        (Written, Conflict, Failed) = (Ending("written"), Ending("conflict"), Ending("failed"));
        Tag watch = new(TagNames.Subscription, "watch");
        Watches = [.. Of, watch];
        (Watched, Rewatched, Unwatched) = ([.. Ending("ok"), watch], [.. Ending("retried"), watch], [.. Ending("dropped"), watch]);
        (Routed, Rerouted) = ([.. Ending("ok"), Routes], [.. Ending("retried"), Routes]);
    }

    private static Tag Routes { get; } = new(TagNames.Subscription, "view");

    /// <summary>The dataset and its build.</summary>
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

    /// <summary>A view that is fed from this dataset.</summary>
    internal Tag[] RoutesTo(Dataset view) =>
    [
        new(TagNames.Dataset, _dataset.Name),
        .. _dataset.Kind == DatasetKind.Entity ? [new Tag(TagNames.Entity, _dataset.Name)] : Array.Empty<Tag>(),
        new(TagNames.View, view.Name), new(TagNames.Build, view.Build), Routes,
    ];

    /// <summary>The dataset and its input log, with a kind of fault.</summary>
    internal Tag[] OfFault(FaultKind kind) => [.. OfTopic, new(TagNames.ErrorType, kind.Word())];

    private Tag[] Ending(string outcome) => [.. Of, new(TagNames.Outcome, outcome)];
}
