using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Grains.Telemetry;
using ActorStreams.Log;
using ActorStreams.States;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace ActorStreams.Grains.Partitions;

/// <summary>What every partition of a silo works with.</summary>
internal sealed class PartitionServices(
    Topology topology, IChangeLog log, IStateStore store, IOptions<StreamsOptions> options, TimeProvider time, StreamsMetrics metrics, ILocalSiloDetails silo,
    RecordLimits limits, ILoggerFactory loggers)
{
    /// <summary>The silo, as people see it.</summary>
    internal string SiloName { get; } = NameOf(silo.Name, silo.SiloAddress);

    internal Topology Topology { get; } = topology;

    internal IChangeLog Log { get; } = log;

    internal IStateStore Store { get; } = store;

    internal StreamsOptions Options { get; } = options.Value;

    internal TimeProvider Time { get; } = time;

    internal StreamsMetrics Metrics { get; } = metrics;

    internal RecordLimits Limits { get; } = limits;

    internal ILogger Logger { get; } = loggers.CreateLogger("ActorStreams.Partition");

    /// <summary>Bounds how many histories are folded from the log at once.</summary>
    internal SemaphoreSlim HistoryFolds { get; } = new(options.Value.MaxHistoryFolds);

    internal static string NameOf(string name, SiloAddress address) => $"{name} ({address.Endpoint})";

    internal FoldOptions FoldOptionsOf(Dataset dataset) => new() { TableEntries = Options.TableEntriesOf(dataset.Partitions) };
}
