using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Setup;
using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Telemetry;
using Microsoft.Extensions.Hosting;
using Tag = System.Collections.Generic.KeyValuePair<string, object?>;

namespace ActorStreams.Grains.Telemetry;

/// <summary>
/// The gauges, measured when metrics are collected. Every series is reported each time, since one that is left out would keep its last
/// value.
/// </summary>
internal sealed class StreamsGauges : IHostedService
{
    private readonly StreamsMetrics _metrics;
    private readonly Topology _topology;
    private readonly PartitionDirectory _partitions;

    /// <summary>For each topic that was ever folded here, the attributes of each reason to pause.</summary>
    private readonly ConcurrentDictionary<string, (PauseReason Reason, Tag[] Tags)[]> _pauses = new(StringComparer.Ordinal);

    /// <summary>The builds that were ever folded here.</summary>
    private readonly ConcurrentDictionary<Dataset, Tag[]> _builds = new();

    public StreamsGauges(
        StreamsMetrics metrics, Topology topology, PartitionDirectory partitions, SourceTopics topics, LiveBuilds builds, TimeProvider time)
    {
        (_metrics, _topology, _partitions) = (metrics, topology, partitions);
        Create(metrics.Meter, this, topics);
        new BuildGauges(builds, partitions, time).Create(metrics.Meter);
    }

    /// <summary>After OpenTelemetry has begun to listen: counters that alerts observe begin at 0.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _metrics.Begin();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static void Create(Meter meter, StreamsGauges gauges, SourceTopics topics)
    {
        meter.CreateObservableGauge(
            "actorstreams.consumer.lag", () => gauges.Each((runner, _) => runner.BehindRecords), "{change}", "Records still to fold.");
        meter.CreateObservableGauge(
            "actorstreams.consumer.delay", () => gauges.Each((runner, partition) => partition.DelaySeconds(runner.BehindSeconds)), "s",
            "Age of the oldest record that is not folded.");
        meter.CreateObservableGauge(
            "actorstreams.checkpoint.age", () => gauges.Each((runner, _) => runner.CheckpointAgeSeconds), "s",
            "Time since the last checkpoint of a partition that has something to write.");
        meter.CreateObservableGauge(
            "actorstreams.table.entries", () => gauges.Each((runner, _) => (long)runner.TableEntries), "{state}", "States in memory.");
        meter.CreateObservableGauge(
            "actorstreams.source.misplaced", () => gauges.Each((runner, _) => runner.MisplacedRecords, DatasetKind.Entity), "{record}",
            "Records folded whose key belongs to another partition of its topic.");
        meter.CreateObservableGauge(
            "actorstreams.source.changed_partitions",
            () => topics.Differences.Select(topic => new Measurement<int>(topic.Partitions, new Tag(TagNames.Destination, topic.Topic))),
            "{partition}", "Partitions that a source topic has and that are not followed, or that are followed and gone.");
        meter.CreateObservableUpDownCounter(
            "actorstreams.partition.paused", gauges.Paused, "{partition}", "Partitions that do not fold, by the reason.");
        meter.CreateObservableUpDownCounter(
            "actorstreams.inflight.size", gauges.InFlight, "By", "Bytes of records taken from the log that are in no checkpoint yet.");
        meter.CreateObservableUpDownCounter(
            "actorstreams.subscription.active", gauges.Subscriptions, "{subscription}",
            "Watches of keys, and partitions that feed a view.");
        meter.CreateObservableGauge(
            "actorstreams.view.rebuild.progress", gauges.Progress, "1",
            "How much of its input a build has folded since it began here; 1 when it has caught up.");
    }

    private IEnumerable<Measurement<T>> Each<T>(Func<PartitionRunner, PartitionMeter, T> value, DatasetKind? kind = null)
        where T : struct
    {
        foreach (var partition in _metrics.Partitions.Where(partition => kind is null || partition.Dataset.Kind == kind))
            yield return new(
                _partitions.TryGet(partition.Dataset, partition.Partition, out var runner) ? value(runner, partition) : default,
                partition.Tags);
    }

    private IEnumerable<Measurement<long>> Paused()
    {
        var paused = _partitions.All.Where(runner => runner.PausedBy is not null)
            .CountBy(runner => (runner.Dataset.Topic, runner.PausedBy!.Value))
            .ToDictionary();
        foreach (var dataset in _topology.Running)
            _pauses.GetOrAdd(dataset.Topic, PausesOf);
        return _pauses.SelectMany(
            topic => topic.Value.Select(pause => new Measurement<long>(paused.GetValueOrDefault((topic.Key, pause.Reason)), pause.Tags)));
    }

    private static (PauseReason Reason, Tag[] Tags)[] PausesOf(string topic) =>
    [
        .. Enum.GetValues<PauseReason>().Select(reason =>
            (reason, new Tag[] { new(TagNames.Destination, topic), new(TagNames.Reason, reason.Word()) })),
    ];

    private IEnumerable<Measurement<long>> InFlight() => _metrics.Partitions.GroupBy(partition => partition.Dataset.Topic)
        .Select(topic => new Measurement<long>(topic.Sum(partition => partition.InFlightBytes), new Tag(TagNames.Destination, topic.Key)));

    /// <summary>Watches by what they watch, and views by what feeds them: one for each of its source's partitions here.</summary>
    private IEnumerable<Measurement<long>> Subscriptions()
    {
        var here = _partitions.All.ToLookup(runner => runner.Dataset);
        foreach (var dataset in _topology.Running)
        {
            var tags = _metrics.TagsOf(dataset);
            yield return new(here[dataset].Sum(runner => (long)runner.Watches.Count), tags.Watches);
            foreach (var view in dataset.Dependents)
                yield return new(here[dataset].Count(), tags.RoutesTo(view));
        }
    }

    /// <summary>
    /// A view is as far as the least of itself and its sources: its own input grows only as they fold, and send it their stored states. A
    /// build that is gone has nothing left to fold.
    /// </summary>
    private IEnumerable<Measurement<double>> Progress()
    {
        var here = _partitions.All.ToLookup(runner => runner.Dataset);
        var progress = new Dictionary<Dataset, double>();
        foreach (var dataset in _topology.Running)
        {
            progress[dataset] = dataset.Sources.Select(source => progress[source])
                .Append(ProgressOf(here[dataset]) * Backfill(dataset, dataset.Sources.SelectMany(source => here[source]))).Min();
            _builds.GetOrAdd(dataset, _metrics.TagsOf(dataset).Of);
        }

        return _builds.Select(build => new Measurement<double>(progress.GetValueOrDefault(build.Key, 1), build.Value));
    }

    /// <summary>What part of the stored states of its sources here was sent to a view.</summary>
    private static double Backfill(Dataset view, IEnumerable<PartitionRunner> sources)
    {
        var (sent, all) = (0L, 0L);
        foreach (var source in sources)
        {
            var edge = source.Session?.Fold.Edges.FirstOrDefault(edge => edge.View == view.Name && edge.Build == view.Build);
            var states = Math.Max(1, source.States);
            (sent, all) = (sent + (edge is { IsWhole: true } ? states : Math.Min(states, edge?.Passed ?? 0)), all + states);
        }

        return all == 0 ? 1 : (double)sent / all;
    }

    private double ProgressOf(IEnumerable<PartitionRunner> runners)
    {
        var (folded, all) = (0L, 0L);
        foreach (var runner in runners)
        {
            var end = Math.Max(1, runner.EndOffset);
            all += end;
            folded += _metrics.Of(runner.Dataset, runner.Partition).HasCaughtUp ? end : Math.Min(end, runner.NextOffset);
        }

        return all == 0 ? 1 : (double)folded / all;
    }
}
