using System.Diagnostics.Metrics;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Grains.Partitions;

namespace ActorStreams.Grains;

/// <summary>What the partitions of a silo count: meter <c>ActorStreams</c>. No metric carries a key.</summary>
internal sealed class StreamsMetrics : IDisposable
{
    internal const string MeterName = "ActorStreams";
    private readonly Meter _meter;
    private readonly Counter<long> _folded;
    private readonly Counter<long> _deadLetters;
    private readonly Counter<long> _restarts;
    private readonly Counter<long> _lost;
    private readonly Histogram<double> _fold;
    private readonly Histogram<double> _checkpoint;

    public StreamsMetrics(IMeterFactory meters, PartitionDirectory partitions, SourceTopics topics)
    {
        _meter = meters.Create(MeterName);
        _folded = _meter.CreateCounter<long>("actorstreams.fold.changes", "{change}", "Records and routed changes, by dataset and outcome.");
        _deadLetters = _meter.CreateCounter<long>("actorstreams.dead_letter.changes", "{change}", "Records and routed changes set aside.");
        _restarts = _meter.CreateCounter<long>("actorstreams.partition.restarts", "{restart}", "Times a partition started again from its checkpoint.");
        _lost = _meter.CreateCounter<long>("actorstreams.source.lost", "{record}", "Records that the log no longer kept when they were to be folded.");
        _fold = _meter.CreateHistogram<double>("actorstreams.fold.duration", "s", "Folding one batch, reads of missing states included.");
        _checkpoint = _meter.CreateHistogram<double>("actorstreams.checkpoint.duration", "s", "Writing one checkpoint.");
        _meter.CreateObservableGauge("actorstreams.consumer.lag", () => partitions.All.Select(p => Tagged(p.BehindRecords, p)), "{change}", "Records still to fold.");
        _meter.CreateObservableGauge("actorstreams.consumer.delay", () => partitions.All.Select(p => Tagged(p.BehindSeconds, p)), "s", "Time since a partition had nothing left to fold.");
        _meter.CreateObservableGauge("actorstreams.checkpoint.age", () => partitions.All.Select(p => Tagged(p.CheckpointAgeSeconds, p)), "s", "Time since the last checkpoint of a partition that has something to write.");
        _meter.CreateObservableGauge("actorstreams.table.entries", () => partitions.All.Select(p => Tagged((long)p.TableEntries, p)), "{state}", "States in memory.");
        _meter.CreateObservableGauge(
            "actorstreams.source.misplaced", () => partitions.All.Where(p => p.Dataset.Kind == DatasetKind.Entity).Select(p => Tagged(p.MisplacedRecords, p)), "{record}",
            "Records folded whose key belongs to another partition of its topic.");
        _meter.CreateObservableGauge(
            "actorstreams.source.changed_partitions", () => topics.Differences.Select(d => new Measurement<int>(d.Partitions, new KeyValuePair<string, object?>("messaging.destination.name", d.Topic))),
            "{partition}", "Partitions that a source topic has and that are not followed, or that are followed and gone.");
    }

    public void Dispose() => _meter.Dispose();

    internal void Folded(Dataset dataset, FoldOutput output, TimeSpan duration)
    {
        _folded.Add(output.Folded, new("actorstreams.dataset", dataset.Name), new("outcome", "applied"));
        if (output.Repeats > 0)
            _folded.Add(output.Repeats, new("actorstreams.dataset", dataset.Name), new("outcome", "duplicate"));
        foreach (var letter in output.DeadLetters)
            _deadLetters.Add(1, new KeyValuePair<string, object?>("actorstreams.dataset", letter.Dataset));
        _fold.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("actorstreams.dataset", dataset.Name));
    }

    internal void Restarted(Dataset dataset) => _restarts.Add(1, new KeyValuePair<string, object?>("actorstreams.dataset", dataset.Name));

    internal void Lost(Dataset dataset, long records) => _lost.Add(records, new KeyValuePair<string, object?>("actorstreams.dataset", dataset.Name));

    internal void Checkpointed(Dataset dataset, TimeSpan duration) =>
        _checkpoint.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("actorstreams.dataset", dataset.Name));

    private static Measurement<T> Tagged<T>(T value, PartitionRunner partition)
        where T : struct => new(
        value,
        new("actorstreams.dataset", partition.Dataset.Name),
        new("messaging.destination.name", partition.Dataset.Topic),
        new("messaging.destination.partition.id", partition.Partition.ToString(CultureInfo.InvariantCulture)));
}
