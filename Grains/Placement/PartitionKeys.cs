using System.Diagnostics.CodeAnalysis;
using ActorStreams.Builds;
using ActorStreams.Definitions;

namespace ActorStreams.Grains.Placement;

/// <summary>The keys of partition grains: <c>dataset@build/number</c>.</summary>
internal static class PartitionKeys
{
    internal static string Of(Dataset dataset, int partition) => string.Create(
        CultureInfo.InvariantCulture, $"{dataset.Address}/{partition}");

    internal static string Of(Build build, int partition) => string.Create(
        CultureInfo.InvariantCulture, $"{build.Address}/{partition}");

    /// <exception cref="ArgumentException">The key names no partition of this topology.</exception>
    internal static (Dataset Dataset, int Partition) Parse(string key, Topology topology) =>
        TryParse(key, topology, out var dataset, out var partition)
            ? (dataset, partition)
            : throw new ArgumentException(
                $"There is no partition '{key}'. A partition grain is addressed as dataset@build/number, "
                + "with a build that this silo folds.",
                nameof(key));

    internal static bool TryParse(string key, Topology topology, [NotNullWhen(true)] out Dataset? dataset, out int partition)
    {
        (dataset, partition) = (null, 0);
        var slash = key.LastIndexOf('/');
        dataset = slash <= 0 ? null : topology.Running.FirstOrDefault(one => one.Address.AsSpan().SequenceEqual(key.AsSpan(0, slash)));
        return dataset is not null
            && int.TryParse(key.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out partition)
            && partition < dataset.Partitions;
    }
}
