using System.Diagnostics.CodeAnalysis;
using ActorStreams.Definitions;

namespace ActorStreams.Grains.Placement;

/// <summary>The keys of partition grains: <c>dataset/number</c>.</summary>
internal static class PartitionKeys
{
    internal static string Of(Dataset dataset, int partition) => string.Create(CultureInfo.InvariantCulture, $"{dataset.Name}/{partition}");

    /// <exception cref="ArgumentException">The key names no partition of this topology.</exception>
    internal static (Dataset Dataset, int Partition) Parse(string key, Topology topology) =>
        TryParse(key, topology, out var dataset, out var partition)
            ? (dataset, partition)
            : throw new ArgumentException(
                $"There is no partition '{key}'. A partition grain is addressed as dataset/number, with a dataset of this topology.",
                nameof(key));

    internal static bool TryParse(string key, Topology topology, [NotNullWhen(true)] out Dataset? dataset, out int partition)
    {
        (dataset, partition) = (null, 0);
        var slash = key.LastIndexOf('/');
        return slash > 0 && topology.TryGet(key[..slash], out dataset)
            && int.TryParse(key.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out partition)
            && partition < dataset.Partitions;
    }
}
