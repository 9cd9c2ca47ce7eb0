using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Placement;

namespace ActorStreams.Hosting.Health;

/// <summary>
/// Whether this silo can answer: it does not stop, and its partitions have been opened once. It stays ready when it takes over those of a silo that died: all silos do so at the same time,
/// and none of them is to be taken out for it.
/// </summary>
internal sealed class Readiness(Topology topology, PartitionDirectory partitions, Ownership ownership, SourceTopics topics, IHostApplicationLifetime lifetime)
{
    private volatile bool _opened;

    /// <summary>Why it is not ready; null when it is.</summary>
    internal string? Reason
    {
        get
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
                return "The silo is stopping.";
            if (_opened)
                return null;
            if (ownership.Version == 0)
                return "The owners of partitions are not known yet.";
            var mine = topology.Datasets.Sum(dataset => Enumerable.Range(0, dataset.Partitions).Count(partition => ownership.IsMine(dataset, partition)));
            var open = partitions.All.Count(partition => partition.Session is not null);
            _opened = open >= mine;
            return _opened ? null : $"{open} of {mine} partitions are open.";
        }
    }

    /// <summary>Partitions that do not fold, and why, and source topics that have changed: no reason to send readers away, but one to look.</summary>
    internal IReadOnlyList<string> Troubles =>
    [
        .. partitions.All.Where(partition => partition.Status is PartitionRunner.RunnerStatus.Waiting or PartitionRunner.RunnerStatus.Stopped)
            .Select(partition => $"{partition.Input} {partition.Status.ToString().ToLowerInvariant()}: {partition.Reason}"),
        .. topics.Troubles,
    ];
}
