using ActorStreams.Definitions;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using ActorStreams.Grains;
using ActorStreams.Hosting.Security;
using ActorStreams.Protocol;

namespace ActorStreams.Hosting.Api;

/// <summary>The datasets and how they are doing, and the graph they form.</summary>
internal static class DatasetsApi
{
    internal static void MapDatasets(this IEndpointRouteBuilder api)
    {
        api.MapGet("/datasets", (HttpContext http, Topology topology, DatasetReads reader) => DatasetsAsync(http, topology, reader))
            .WithTags("datasets").WithSummary("All datasets").WithDescription(
                "Kind, version, topic, sources, number of states, and how far each is behind.").Produces<DatasetInfo[]>();
        api.MapGet("/datasets/{name}/partitions", PartitionsAsync)
            .WithTags("datasets").WithSummary("The partitions of a dataset").WithDescription(
                "Which silo each is on, where it stands, how far it is behind, and why it does not fold, if it does not.")
            .Produces<PartitionInfo[]>().ProducesProblem(404);
    }

    private static async Task<IResult> PartitionsAsync(string name, Topology topology, DatasetReads reader)
    {
        if (!topology.TryGet(name, out var dataset))
            return Problems.NoSuchDataset(topology, name);
        return Results.Ok((await reader.StatusAsync(dataset)).Select(Answers.Of));
    }

    internal static void MapLineage(this IEndpointRouteBuilder api) =>
        api.MapGet("/lineage", (Topology topology, HttpContext http) =>
            Lineage([.. Access.Of(http).Datasets(topology.Datasets, dataset => dataset.Name)]))
            .WithTags("datasets").WithSummary("Lineage").WithDescription("The graph of topics and datasets: which reads which.")
            .Produces<LineageInfo>();

    private static async Task<IEnumerable<DatasetInfo>> DatasetsAsync(HttpContext http, Topology topology, DatasetReads reader) =>
        await Task.WhenAll(Access.Of(http).Datasets(topology.Datasets, dataset => dataset.Name)
            .Select(async dataset => Answers.Of(dataset, Catalog.StatusOf(await reader.StatusAsync(dataset)))));

    private static LineageInfo Lineage(IReadOnlyList<Dataset> datasets) => new(
        [.. datasets.Where(d => d.Kind == DatasetKind.Entity).DistinctBy(d => d.Topic)
            .Select(d => new LineageTopic(d.Topic, d.Partitions))],
        [.. datasets.Select(dataset => new LineageDataset(dataset.Name, dataset.Kind, dataset.Version, dataset.Topic))],
        [
            .. datasets.Where(d => d.Kind == DatasetKind.Entity)
            .Select(entity => new LineageEdge(new(LineageNodeKind.Topic, entity.Topic), entity.Name)),
            .. datasets.SelectMany(view => view.Sources.Where(datasets.Contains)
            .Select(source => new LineageEdge(new(LineageNodeKind.Dataset, source.Name), view.Name))),
        ]);
}
