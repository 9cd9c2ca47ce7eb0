using ActorStreams.Grains.Builds;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace ActorStreams.Grains.Placement;

/// <summary>
/// Decides the owners of partitions from the members and the owners before (<see cref="Assignment"/>). Should two activations exist for a
/// moment, the storage's ETag lets only one of them decide; and a silo that owns a partition in error loses it at its next checkpoint.
/// </summary>
[GrainType("placement")]
[KeepAlive]
internal sealed partial class PlacementGrain(
    [PersistentState("owners", PlacementGrain.Storage)] IPersistentState<PlacementState> stored, LiveBuilds builds,
    IClusterMembershipService membership, ILogger<PlacementGrain> logger)
    : Grain, IPlacementGrain
{
    internal const string Storage = "placement";

    public async Task<PartitionMap> Owners(long membershipVersion)
    {
        await membership.Refresh(new(membershipVersion));
        return await DecideAsync(stored.State.Leaving);
    }

    public async Task<PartitionMap> OwnersFor(long membershipVersion, SiloAddress silo, IReadOnlyDictionary<string, int> known)
    {
        var name = silo.ToParsableString();
        if (!stored.State.Known.TryGetValue(name, out var before)
            || !before.OrderBy(one => one.Key).SequenceEqual(known.OrderBy(one => one.Key)))
        {
            // Other silos may have made builds that this one has not read of.
            await builds.FollowAsync(CancellationToken.None);
            stored.State.Known[name] = new(known);
        }

        return await Owners(membershipVersion);
    }

    public Task<PartitionMap> Leave(SiloAddress silo) => DecideAsync([.. stored.State.Leaving, silo.ToParsableString()]);

    public Task<PartitionMap> GetState() => Task.FromResult(Map());

    private async Task<PartitionMap> DecideAsync(IReadOnlyList<string> leaving)
    {
        var active = membership.CurrentSnapshot.Members.Values.Where(member => member.Status == SiloStatus.Active)
            .Select(member => member.SiloAddress.ToParsableString()).ToList();
        leaving = [.. leaving.Intersect(active)];
        var members = active.Except(leaving).ToList();
        // The last silo has no other to hand its partitions to, so it keeps them.
        var owners = Eligibility.Assign(
            builds.Catalog, stored.State.Known.Where(silo => active.Contains(silo.Key)).ToDictionary(),
            members.Count > 0 ? members : active,
            stored.State.Owners);
        if (IsSame(owners, stored.State.Owners) && leaving.SequenceEqual(stored.State.Leaving))
            return Map();
        var before = stored.State;
        stored.State = new()
        {
            Version = before.Version + 1, Leaving = [.. leaving], Owners = owners,
            Known = before.Known.Where(silo => active.Contains(silo.Key)).ToDictionary(),
        };
        try
        {
            await stored.WriteStateAsync();
        }
        catch
        {
            // Another activation may have decided: the next call reads the stored decision again.
            stored.State = before;
            DeactivateOnIdle();
            throw;
        }

        LogDecision(logger, stored.State.Version, members.Count, leaving.Count, Moved(before.Owners, owners));
        return Map();
    }

    private PartitionMap Map() =>
        new()
        {
            Version = stored.State.Version, Leaving = [.. stored.State.Leaving], Owners = stored.State.Owners.ToDictionary(),
            KnownToAll = KnownToAll(),
        };

    private List<string> KnownToAll()
    {
        var members = membership.CurrentSnapshot.Members.Values.Where(member => member.Status == SiloStatus.Active)
            .Select(member => stored.State.Known.GetValueOrDefault(member.SiloAddress.ToParsableString())?.Keys
                ?? Enumerable.Empty<string>());
        return [.. members.Aggregate((IEnumerable<string>?)null, (all, known) => all is null ? known : all.Intersect(known)) ?? []];
    }

    private static bool IsSame(Dictionary<string, string[]> owners, Dictionary<string, string[]> before) =>
        owners.Count == before.Count
            && owners.All(dataset => before.TryGetValue(dataset.Key, out var other) && dataset.Value.SequenceEqual(other));

    private static int Moved(Dictionary<string, string[]> before, Dictionary<string, string[]> after) =>
        after.Sum(dataset => dataset.Value.Where((owner, i) => before.GetValueOrDefault(dataset.Key)?.ElementAtOrDefault(i) != owner)
            .Count());

    [LoggerMessage(
        Level = LogLevel.Information, Message = "Owners {Version}: {Members} silos, {Leaving} leaving, {Moved} partitions move.")]
    private static partial void LogDecision(ILogger logger, long version, int members, int leaving, int moved);
}

/// <summary>What the placement grain keeps: the last decision.</summary>
[GenerateSerializer, Alias("ActorStreams.PlacementState")]
internal sealed class PlacementState
{
    [Id(0)]
    public long Version { get; set; }

    [Id(1)]
    public List<string> Leaving { get; set; } = [];

    [Id(2)]
    public Dictionary<string, string[]> Owners { get; set; } = [];

    /// <summary>For each silo the builds that it can fold, with their numbers of partitions.</summary>
    [Id(3)]
    public Dictionary<string, Dictionary<string, int>> Known { get; set; } = [];
}
