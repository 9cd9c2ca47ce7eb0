using ActorStreams.Definitions;
using ActorStreams.Grains;

namespace ActorStreams.Silo.Api;

/// <summary>The datasets and how they are doing, and the graph they form.</summary>
internal static class DatasetsApi
{
    /// <summary>The more a status matters, the later it stands.</summary>
    private static readonly string[] Severity = ["running", "starting", "closed", "unreachable", "waiting", "stopped"];

    internal static void MapDatasets(this IEndpointRouteBuilder api) =>
        api.MapGet("/datasets", async (Topology topology, DatasetReader reader) => await Task.WhenAll(topology.Datasets.Select(dataset => DescribeAsync(dataset, reader))))
            .WithTags("datasets").WithSummary("All datasets").WithDescription("Kind, version, topic, sources, number of states, and how far each is behind.").Produces<DatasetAnswer[]>();

    internal static void MapLineage(this IEndpointRouteBuilder api) =>
        api.MapGet("/lineage", (Topology topology) => Lineage(topology))
            .WithTags("datasets").WithSummary("Lineage").WithDescription("The graph of topics and datasets: which reads which.").Produces<LineageAnswer>();

    private static async Task<DatasetAnswer> DescribeAsync(Dataset dataset, DatasetReader reader)
    {
        var partitions = await reader.StatusAsync(dataset);
        var worst = partitions.MaxBy(partition => Array.IndexOf(Severity, partition.Status))!;
        return new(
            dataset.Name, Api.NameOf(dataset.Kind), dataset.Version, dataset.Topic, dataset.Partitions, [.. dataset.Sources.Select(source => source.Name)],
            partitions.Sum(partition => partition.States),
            new(partitions.Sum(partition => partition.BehindRecords), Math.Round(partitions.Max(partition => partition.BehindSeconds), 3)),
            worst.Status, worst.Reason, Api.NameOf(dataset.Partitioner), partitions.Sum(partition => partition.MisplacedRecords));
    }

    private static LineageAnswer Lineage(Topology topology) => new(
        [.. topology.Datasets.Where(d => d.Kind == DatasetKind.Entity).DistinctBy(d => d.Topic).Select(d => new LineageTopic(d.Topic, d.Partitions))],
        [.. topology.Datasets.Select(dataset => new LineageDataset(dataset.Name, Api.NameOf(dataset.Kind), dataset.Version, dataset.Topic))],
        [
            .. topology.Datasets.Where(d => d.Kind == DatasetKind.Entity).Select(entity => new LineageEdge(new("topic", entity.Topic), entity.Name)),
            .. topology.Datasets.SelectMany(view => view.Sources.Select(source => new LineageEdge(new("dataset", source.Name), view.Name))),
        ]);
}
