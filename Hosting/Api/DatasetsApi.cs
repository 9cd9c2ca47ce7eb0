using ActorStreams.Hosting.Security;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;

namespace ActorStreams.Hosting.Api;

/// <summary>The datasets and how they are doing, and the graph they form.</summary>
internal static class DatasetsApi
{
    internal static void MapDatasets(this IEndpointRouteBuilder api)
    {
        api.MapGet("/datasets", async (Catalog catalog, HttpContext http) => Access.Of(http)
            .Datasets(await catalog.DatasetsAsync(withStatus: true), dataset => dataset.Name).Select(Answer))
            .WithTags("datasets").WithSummary("All datasets").WithDescription(
                "Kind, version, topic, sources, number of states, and how far each is behind.").Produces<DatasetAnswer[]>();
        api.MapGet("/datasets/{name}/partitions", PartitionsAsync)
            .WithTags("datasets").WithSummary("The partitions of a dataset").WithDescription(
                "Which silo each is on, where it stands, how far it is behind, and why it does not fold, if it does not.")
            .Produces<PartitionAnswer[]>().ProducesProblem(404);
    }

    private static async Task<IResult> PartitionsAsync(string name, Topology topology, DatasetReads reader)
    {
        if (!topology.TryGet(name, out var dataset))
            return Api.Problem(
                404, "No such dataset",
                $"There is no dataset '{name}'. There are: {string.Join(", ", topology.Datasets.Select(one => one.Name))}.");
        return Results.Ok((await reader.StatusAsync(dataset)).Select(PartitionAnswer.Of));
    }

    internal static void MapLineage(this IEndpointRouteBuilder api) =>
        api.MapGet("/lineage", (Topology topology, HttpContext http) =>
            Lineage([.. Access.Of(http).Datasets(topology.Datasets, dataset => dataset.Name)]))
            .WithTags("datasets").WithSummary("Lineage").WithDescription("The graph of topics and datasets: which reads which.")
            .Produces<LineageAnswer>();

    private static DatasetAnswer Answer(DatasetReply dataset) => new(
        dataset.Name, dataset.Kind, dataset.Version, dataset.Topic, dataset.Partitions, dataset.Sources, dataset.Status!.States,
        new(dataset.Status.BehindRecords, Math.Round(dataset.Status.BehindSeconds, 3)), dataset.Status.Status, dataset.Status.Reason,
        dataset.Partitioner, dataset.Status.MisplacedRecords);

    private static LineageAnswer Lineage(IReadOnlyList<Dataset> datasets) => new(
        [.. datasets.Where(d => d.Kind == DatasetKind.Entity).DistinctBy(d => d.Topic)
            .Select(d => new LineageTopic(d.Topic, d.Partitions))],
        [.. datasets.Select(dataset => new LineageDataset(dataset.Name, Catalog.NameOf(dataset.Kind), dataset.Version, dataset.Topic))],
        [
            .. datasets.Where(d => d.Kind == DatasetKind.Entity).Select(entity => new LineageEdge(new("topic", entity.Topic), entity.Name)),
            .. datasets.SelectMany(view => view.Sources.Where(datasets.Contains)
            .Select(source => new LineageEdge(new("dataset", source.Name), view.Name))),
        ]);
}
