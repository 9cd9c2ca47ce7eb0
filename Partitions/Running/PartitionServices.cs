using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;
using ActorStreams.States;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Partitions.Running;

/// <summary>What the partitions of one process work with: log, store, clock and scheduler are all there is of the outside.</summary>
internal sealed class PartitionServices(
    Topology topology, IChangeLog log, IStateStore store, StreamsOptions options, TimeProvider time, StreamsMetrics metrics, ILogger logger)
{
    internal Topology Topology { get; } = topology;

    internal IChangeLog Log { get; } = log;

    internal IStateStore Store { get; } = store;

    internal StreamsOptions Options { get; } = options;

    internal TimeProvider Time { get; } = time;

    internal StreamsMetrics Metrics { get; } = metrics;

    internal ILogger Logger { get; } = logger;

    /// <summary>
    /// Called before a partition goes on without edges that its checkpoint has, since this process does not know their views: from then on
    /// those builds lack changes. When it has returned, that is written down.
    /// </summary>
    internal Func<Dataset, IReadOnlyList<EdgeReach>, CancellationToken, Task> EdgesDropped { get; init; } = (_, _, _) => Task.CompletedTask;

    /// <summary>Reads the catalog of builds again; when it has returned, the topology serves what it says.</summary>
    internal Func<CancellationToken, Task> FollowBuilds { get; init; } = _ => Task.CompletedTask;

    /// <summary>Runs the loops of the partitions. A simulation gives one of its own, which runs everything on one thread.</summary>
    internal TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Bounds how many histories are folded from the log at once.</summary>
    internal SemaphoreSlim HistoryFolds { get; } = new(options.MaxHistoryFolds);

    /// <summary>The bounds of each partition's fold, but for the size of its table.</summary>
    internal FoldOptions Fold { get; init; } = new();

    internal FoldOptions FoldOptionsOf(Dataset dataset) => Fold with
    {
        TableEntries = Options.TableEntriesOf(dataset.Partitions),
        TableBytes = Options.TableBytesOf(dataset.Partitions),
    };
}
