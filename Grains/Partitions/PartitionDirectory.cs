using ActorStreams.Grains.Placement;
using ActorStreams.Definitions;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using ActorStreams.Partitions.Running;
using Orleans.Runtime;

namespace ActorStreams.Grains.Partitions;

/// <summary>The partitions that run on this silo, for reads without a grain call.</summary>
internal sealed class PartitionDirectory(ILocalSiloDetails silo)
{
    private readonly ConcurrentDictionary<(BuildId Build, int Partition), PartitionRunner> _runners = new();

    internal string SiloName { get; } = SiloNames.Of(silo.Name, silo.SiloAddress);

    internal IEnumerable<PartitionRunner> All => _runners.Values;

    internal bool TryGet(Dataset dataset, int partition, [NotNullWhen(true)] out PartitionRunner? runner) =>
        _runners.TryGetValue((dataset.Id, partition), out runner);

    internal void Add(PartitionRunner runner) => _runners[(runner.Dataset.Id, runner.Partition)] = runner;

    internal void Remove(PartitionRunner runner) => _runners.TryRemove(new((runner.Dataset.Id, runner.Partition), runner));
}
