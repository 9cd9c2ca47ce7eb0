using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using ActorStreams.Builds;
using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Partitions;
using ActorStreams.Partitions.Telemetry;
using Tag = System.Collections.Generic.KeyValuePair<string, object?>;

namespace ActorStreams.Grains.Telemetry;

/// <summary>
/// The gauges of builds. Which one readers get, and what it lacks, every silo reports alike; what was sent to it, each for the partitions
/// that it owns. A build that was deleted is reported on with 0: its series would keep its last value.
/// </summary>
internal sealed class BuildGauges(LiveBuilds builds, PartitionDirectory partitions, TimeProvider time)
{
    private readonly ConcurrentDictionary<BuildId, Tag[]> _tags = new();

    internal void Create(Meter meter)
    {
        meter.CreateObservableGauge(
            "actorstreams.build.active", () => Each(build => build is not null && builds.Catalog.IsActive(build) ? 1 : 0), "1",
            "1 for the build of a dataset that readers get.");
        meter.CreateObservableGauge(
            "actorstreams.build.frozen.age",
            () => Each(build => build?.Detached is { } since ? Math.Max(0, (time.GetUtcNow() - since).TotalSeconds) : 0), "s",
            "Time since a build lacks changes, as no silo knows its definition.");
        meter.CreateObservableGauge(
            "actorstreams.build.backfilled", Backfilled, "{state}", "Stored states that were sent to a build.");
    }

    private IEnumerable<Measurement<T>> Each<T>(Func<Build?, T> value)
        where T : struct
    {
        var catalog = builds.Catalog;
        foreach (var build in catalog.Builds)
            _tags.GetOrAdd(build.Id, static (_, build) => TagsOf(build), build);
        return _tags.Select(build => new Measurement<T>(value(catalog.Find(build.Key)), build.Value));
    }

    private IEnumerable<Measurement<long>> Backfilled()
    {
        var sent = partitions.All.SelectMany(runner => runner.Session?.Fold.Edges ?? [])
            .GroupBy(edge => new BuildId(edge.View, edge.Build)).ToDictionary(edges => edges.Key, edges => edges.Sum(edge => edge.Passed));
        return Each(build => build is null ? 0 : sent.GetValueOrDefault(build.Id));
    }

    private static Tag[] TagsOf(Build build) =>
    [
        new(TagNames.Dataset, build.Dataset), new(build.Kind == DatasetKind.Entity ? TagNames.Entity : TagNames.View, build.Dataset),
        new(TagNames.Build, build.Number),
    ];
}
