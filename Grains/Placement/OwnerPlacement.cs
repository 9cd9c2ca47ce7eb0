using System.Diagnostics.CodeAnalysis;
using ActorStreams.Definitions;
using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace ActorStreams.Grains.Placement;

/// <summary>Places a partition on its owner, and the actors of keys beside their partition.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.OwnerPlacement")]
internal sealed class OwnerPlacement : PlacementStrategy;

/// <summary>The grain lives where its partition is owned.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OwnerPlacementAttribute() : PlacementAttribute(new OwnerPlacement());

internal sealed class OwnerPlacementDirector(Topology topology, Ownership ownership, TimeProvider time) : IPlacementDirector
{
    /// <summary>How long a placement waits for an owner that is a member: that long a decision may take after a silo died.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(50);

    public async Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        if (!TryParse(target.GrainIdentity, out var dataset, out var partition))
            return context.LocalSilo; // it will refuse to be activated, with a sentence
        if (dataset.IsForeign && ownership.OwnerOf(dataset, partition) is null)
            return context.LocalSilo; // no silo folds it: its states are read as they were stored
        var begin = time.GetTimestamp();
        while (true)
        {
            var silos = context.GetCompatibleSilos(target);
            if (ownership.OwnerOf(dataset, partition) is { } owner && silos.Contains(owner))
                return owner;
            if (time.GetElapsedTime(begin) > MaxWait)
                throw new PartitionUnavailableException(
                    $"{dataset} partition {partition} has no owner at the moment: the cluster is deciding. Try again.");
            await AskAsync();
        }
    }

    private async Task AskAsync()
    {
        try
        {
            await ownership.RefreshAsync().WaitAsync(MaxWait, time);
        }
        catch (Exception error) when (error is OrleansException or TimeoutException)
        {
            // The placement grain's silo may be the one that died: retry.
        }

        await Task.Delay(AskEvery, time);
    }

    private bool TryParse(GrainId grain, [NotNullWhen(true)] out Dataset? dataset, out int partition)
    {
        (dataset, partition) = (null, 0);
        var key = grain.Key.ToString()!;
        if (grain.Type == GrainTypes.Partition)
            return PartitionKeys.TryParse(key, topology, out dataset, out partition);
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || !topology.TryGet(key[..slash], out dataset))
            return false;
        partition = dataset.PartitionOf(key[(slash + 1)..]);
        return true;
    }
}

/// <summary>The kinds of grains, by the names in their ids.</summary>
internal static class GrainTypes
{
    internal const string PartitionName = "partition";

    internal static GrainType Partition { get; } = GrainType.Create(PartitionName);
}
