using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Grains.Partitions;

namespace ActorStreams.Silo;

/// <summary>Whether this silo can answer: it does not stop, and its partitions have been opened.</summary>
internal sealed class Readiness(Topology topology, PartitionDirectory partitions, SourceTopics topics, IHostApplicationLifetime lifetime)
{
    /// <summary>Why it is not ready; null when it is.</summary>
    internal string? Reason
    {
        get
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
                return "The silo is stopping.";
            var wanted = topology.Datasets.Sum(dataset => dataset.Partitions);
            var open = partitions.All.Count(partition => partition.Session is not null);
            return open >= wanted ? null : $"{open} of {wanted} partitions are open.";
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
