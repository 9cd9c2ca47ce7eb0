using ActorStreams.Definitions;
using Orleans.Runtime;

namespace ActorStreams.Grains.Placement;

/// <summary>
/// Who owns which partition, as this silo knows it. It queries the placement grain on request, and never returns to an older decision.
/// </summary>
internal sealed class Ownership(
    Topology topology, IGrainFactory grains, IClusterMembershipService membership, ILocalSiloDetails local)
{
    private readonly Lock _gate = new();
    private Dictionary<string, SiloAddress[]> _owners = [];
    private HashSet<string> _knownToAll = [];
    private Task? _refresh;

    /// <summary>The version of the decision this silo knows; 0 for none.</summary>
    internal long Version { get; private set; }

    /// <summary>True when this silo is leaving.</summary>
    internal bool Leaving { get; private set; }

    /// <summary>The partition's owner; null when this silo does not know one yet.</summary>
    internal SiloAddress? OwnerOf(Dataset dataset, int partition)
    {
        lock (_gate)
            return _owners.TryGetValue(dataset.Address, out var owners) && partition < owners.Length ? owners[partition] : null;
    }

    /// <summary>Whether every silo can fold a build, by its address.</summary>
    internal bool IsKnownToAll(string build)
    {
        lock (_gate)
            return _knownToAll.Contains(build);
    }

    /// <summary>Whether any silo can fold a build, by its address.</summary>
    internal bool IsKnown(string build)
    {
        lock (_gate)
            return _owners.ContainsKey(build);
    }

    internal bool IsMine(Dataset dataset, int partition) => OwnerOf(dataset, partition)?.Equals(local.SiloAddress) == true;

    /// <summary>Asks the placement grain for the owners among the members as this silo sees them; callers share one question.</summary>
    internal Task RefreshAsync()
    {
        lock (_gate)
            return _refresh is { IsCompleted: false }
                ? _refresh
                : _refresh = AskAsync(OwnersAsync);
    }

    /// <summary>Hands all partitions of this silo to others.</summary>
    internal async Task LeaveAsync()
    {
        Leaving = true;
        await AskAsync(grain => grain.Leave(local.SiloAddress));
    }

    private async Task<PartitionMap> OwnersAsync(IPlacementGrain grain)
    {
        var version = membership.CurrentSnapshot.Version.Value;
        try
        {
            return await grain.OwnersFor(
                version, local.SiloAddress, topology.Running.ToDictionary(dataset => dataset.Address, dataset => dataset.Partitions))
                .ConfigureAwait(false);
        }
        catch (Exception error) when (error.Message.Contains(nameof(IPlacementGrain.OwnersFor), StringComparison.Ordinal))
        {
            // In a rolling upgrade the grain may live on a silo of a version without builds, which does not know this call.
            return await grain.Owners(version).ConfigureAwait(false);
        }
    }

    private async Task AskAsync(Func<IPlacementGrain, Task<PartitionMap>> ask)
    {
        var map = await ask(grains.GetGrain<IPlacementGrain>(0)).ConfigureAwait(false);
        lock (_gate)
        {
            if (map.Version < Version)
                return;
            Version = map.Version;
            _knownToAll = [.. map.KnownToAll];
            _owners = map.Owners.ToDictionary(
                dataset => dataset.Key, dataset => dataset.Value.Select(SiloAddress.FromParsableString).ToArray());
        }
    }
}
