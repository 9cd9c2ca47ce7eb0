using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Partitions.Telemetry;

/// <summary>
/// The metrics of a silo's partitions: meter <c>ActorStreams</c>; docs/reference/metrics.md documents each. No metric carries a key:
/// attributes are names of datasets and topics, numbers of partitions, and words of short lists.
/// </summary>
/// <remarks>
/// It measures once a batch, never once a record.
/// </remarks>
internal sealed class StreamsMetrics
{
    internal const string MeterName = "ActorStreams";

    /// <summary>The conventions' buckets for messaging, in seconds.</summary>
    private static readonly double[] Messaging = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    private static readonly double[] Short = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private static readonly double[] Long = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

    private readonly ConcurrentDictionary<(BuildId Build, int Partition), PartitionMeter> _partitions = new();
    private readonly ConcurrentDictionary<BuildId, DatasetTags> _tags = new();
    private readonly Topology _topology;
    private readonly string _system;
    private readonly TimeProvider _time;
    private volatile bool _begun;

    public StreamsMetrics(IMeterFactory meters, Topology topology, IChangeLog log, TimeProvider time)
    {
        (_time, _topology, _system) = (time, topology, log.MessagingSystem);
        var meter = Meter = meters.Create(MeterName);
        Consumed = meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Records taken from the log.");
        Processed = Seconds(
            meter, "messaging.process.duration", "Processing one batch: fold, and waiting for appends where too much waits.", Messaging);
        Changes = meter.CreateCounter<long>(
            "actorstreams.fold.changes", "{change}",
            "Records and routed changes: applied, duplicate, stale (folded and thrown away), gap (lost by the log).");
        Fold = Seconds(meter, "actorstreams.fold.duration", "Folding one batch, reads of missing states included.", Short);
        EndToEnd = Seconds(
            meter, "actorstreams.source.end_to_end.duration", "From the timestamp of a batch's oldest record to its fold into entities.",
            Long);
        Freshness = Seconds(
            meter, "actorstreams.view.freshness",
            "From the timestamp of the oldest source record behind a batch to its fold into the view.", Long);
        DeadLetters = meter.CreateCounter<long>("actorstreams.dead_letter.changes", "{change}", "Records and routed changes set aside.");
        Checkpoint = Seconds(meter, "actorstreams.checkpoint.duration", "Writing one checkpoint.", Short);
        Conflicts = meter.CreateCounter<long>(
            "actorstreams.checkpoint.conflicts", "{conflict}", "Partitions given up because another owner had moved their checkpoint.");
        Deliveries = meter.CreateCounter<long>(
            "actorstreams.subscription.deliveries", "{delivery}", "Changes given to watches, and frames given to views.");
        OwnerChanges = meter.CreateCounter<long>("actorstreams.partition.owner.changes", "{change}", "Partitions that came to this silo.");
        Restarts = meter.CreateCounter<long>(
            "actorstreams.partition.restarts", "{restart}", "Times a partition started again from its checkpoint.");
    }

    internal Meter Meter { get; }

    internal Counter<long> Consumed { get; }

    internal Histogram<double> Processed { get; }

    internal Counter<long> Changes { get; }

    internal Histogram<double> Fold { get; }

    internal Histogram<double> EndToEnd { get; }

    internal Histogram<double> Freshness { get; }

    internal Counter<long> DeadLetters { get; }

    internal Histogram<double> Checkpoint { get; }

    internal Counter<long> Conflicts { get; }

    internal Counter<long> Deliveries { get; }

    internal Counter<long> OwnerChanges { get; }

    internal Counter<long> Restarts { get; }

    /// <summary>All partitions that have ever been on this silo.</summary>
    internal IEnumerable<PartitionMeter> Partitions => _partitions.Values;

    internal PartitionMeter Of(Dataset dataset, int partition) =>
        _partitions.GetOrAdd(
            (dataset.Id, partition), static (_, given) => new(given.Metrics, given.Dataset, given.Partition, given.Metrics._time),
            (Metrics: this, Dataset: dataset, Partition: partition));

    internal DatasetTags TagsOf(Dataset dataset)
    {
        if (_tags.TryGetValue(dataset.Id, out var known))
            return known;
        var tags = _tags.GetOrAdd(dataset.Id, new DatasetTags(dataset, _topology.Application, _system));
        if (_begun)
            Begin(tags);
        return tags;
    }

    /// <summary>
    /// Reports 0 for every counter that alerts observe, also of builds that come later: the growth of a series that did not exist before is
    /// not seen.
    /// </summary>
    internal void Begin()
    {
        _begun = true;
        foreach (var tags in _topology.Running.Select(TagsOf))
            Begin(tags);
    }

    private void Begin(DatasetTags tags)
    {
        foreach (var outcome in new[] { tags.Applied, tags.Duplicate, tags.Stale, tags.Gap })
            Changes.Add(0, outcome);
        foreach (var kind in Enum.GetValues<FaultKind>())
            DeadLetters.Add(0, tags.OfFault(kind));
        foreach (var outcome in new[] { tags.Watched, tags.Rewatched, tags.Unwatched })
            Deliveries.Add(0, outcome);
        Conflicts.Add(0, tags.Of);
        OwnerChanges.Add(0, tags.OfTopic);
        Restarts.Add(0, tags.Of);
    }

    private static Histogram<double> Seconds(Meter meter, string name, string description, double[] buckets) =>
        meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });
}
