using ActorStreams.Grains.Placement;
using ActorStreams.Definitions;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains;
using ActorStreams.Protocol;
using Orleans.Runtime;

namespace ActorStreams.Hosting.Api;

/// <summary>The silos of the cluster, and how many partitions each has.</summary>
internal static class SilosApi
{
    internal static void MapSilos(this IEndpointRouteBuilder api) =>
        api.MapGet("/silos", async (IClusterMembershipService membership, SiloReport here, Topology topology, DatasetReads reader) =>
                Of(membership, here, await Task.WhenAll(topology.Datasets.Select(reader.StatusAsync))))
            .WithTags("silos").WithSummary("All silos").WithDescription(
                "The members of the cluster as this silo sees them, with the partitions that each has. "
                + "Those that have left are not among them.").Produces<SiloInfo[]>();

    internal static IReadOnlyList<SiloInfo> Of(IClusterMembershipService membership, SiloReport here, PartitionStatus[][] datasets)
    {
        var partitions = datasets.SelectMany(dataset => dataset).Where(partition => partition.Silo is not null)
            .ToLookup(partition => partition.Silo);
        return
        [
            .. membership.CurrentSnapshot.Members.Values.Where(member => member.Status != SiloStatus.Dead).Select(member =>
            {
                var name = SiloNames.Of(member.Name, member.SiloAddress);
                return new SiloInfo(
                    member.Name, member.SiloAddress.Endpoint.ToString(), member.Status.ToString().ToLowerInvariant(),
                    partitions[name].Count(),
                    partitions[name].Sum(partition => partition.States), partitions[name].Sum(partition => partition.BehindRecords),
                    name == here.Name);
            }).OrderBy(silo => silo.Name, StringComparer.Ordinal).ThenBy(silo => silo.Address, StringComparer.Ordinal),
        ];
    }
}
