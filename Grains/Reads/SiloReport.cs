using ActorStreams.Definitions;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Placement;
using ActorStreams.Grains.Setup;
using ActorStreams.Partitions.Running;

namespace ActorStreams.Grains.Reads;

/// <summary>
/// How this silo is doing, for its host: whether its partitions have been opened once, and what is wrong with them. It stays open when it
/// takes over the partitions of a dead silo: all silos do so at the same time, and none of them is to be taken out for it.
/// </summary>
public sealed class SiloReport
{
    private readonly Topology _topology;
    private readonly PartitionDirectory _partitions;
    private readonly Ownership _ownership;
    private readonly SourceTopics _topics;
    private volatile bool _opened;

    internal SiloReport(Topology topology, PartitionDirectory partitions, Ownership ownership, SourceTopics topics) =>
        (_topology, _partitions, _ownership, _topics) = (topology, partitions, ownership, topics);

    /// <summary>The silo's name, as <see cref="PartitionStatus.Silo"/> has it.</summary>
    public string Name => _partitions.SiloName;

    /// <summary>Why its partitions cannot be read yet; null when they can.</summary>
    public string? NotOpened
    {
        get
        {
            if (_opened)
                return null;
            if (_ownership.Version == 0)
                return "The owners of partitions are not known yet.";
            var mine = _topology.Running
                .Sum(dataset => Enumerable.Range(0, dataset.Partitions).Count(partition => _ownership.IsMine(dataset, partition)));
            var open = _partitions.All.Count(partition => partition.Session is not null);
            _opened = open >= mine;
            return _opened ? null : $"{open} of {mine} partitions are open.";
        }
    }

    /// <summary>Partitions that do not fold, and why, and source topics that have changed: no reason to send readers away.</summary>
    public IReadOnlyList<string> Troubles =>
    [
        .. _partitions.All.Where(partition => partition.Status is RunnerStatus.Waiting or RunnerStatus.Stopped)
            .Select(partition => $"{partition.Input} {partition.Status.ToString().ToLowerInvariant()}: {partition.Reason}"),
        .. _partitions.All.Where(partition => partition.BehindRecords > 0).Select(partition => partition.Held).OfType<string>(),
        .. _topics.Troubles,
    ];
}
