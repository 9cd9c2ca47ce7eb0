using ActorStreams.Definitions;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using ActorStreams.Grains;
using ActorStreams.Hosting.Api;
using ActorStreams.Hosting.Health;
using ActorStreams.Protocol;
using Orleans.Runtime;

namespace ActorStreams.Hosting.Pages;

/// <summary>
/// The page for operators: silos, datasets, partitions, lag, checkpoints, lineage, builds, and dead letters with their redrive. A page, a
/// script and what they show, with no build tools; whatever comes from records is put in as text and never as markup, and the page
/// may run no script but its own.
/// </summary>
internal static class OperationsPage
{
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly Lazy<byte[]> Page = new(() => Resource("operations.html"));
    private static readonly Lazy<byte[]> Script = new(() => Resource("operations.js"));

    /// <summary>Maps <c>/operations</c> and what is under it.</summary>
    internal static void MapOperationsPage(this IEndpointRouteBuilder app)
    {
        var page = app.MapGroup("/operations").ExcludeFromDescription();
        page.MapGet("", (HttpContext http) =>
        {
            http.Response.Headers.ContentSecurityPolicy = Policy;
            return Results.Bytes(Page.Value, "text/html; charset=utf-8");
        });
        page.MapGet("/page.js", () => Results.Bytes(Script.Value, "text/javascript; charset=utf-8"));
        page.MapGet("/status", StatusAsync);
        page.MapGet("/builds", (HttpContext http, IGrainFactory grains, TimeProvider time, CancellationToken stop) =>
            BuildsApi.ListAsync(http, grains, time, stop));
    }

    private static async Task<OperationsStatus> StatusAsync(
        IClusterMembershipService membership, SiloReport here, Topology topology, DatasetReads reader, Readiness readiness,
        TimeProvider time)
    {
        var partitions = await Task.WhenAll(topology.Datasets.Select(reader.StatusAsync));
        return new(
            topology.Application, here.Name, time.GetUtcNow(), readiness.Reason, readiness.Troubles,
            SilosApi.Of(membership, here, partitions),
            [
                .. topology.Datasets.Zip(partitions, (dataset, of) => Of(Answers.Of(dataset, Catalog.StatusOf(of)), of)),
            ]);

        static OperationsDataset Of(DatasetInfo info, PartitionStatus[] partitions) => new(
            info.Name, Words.Of(info.Kind), info.Version, info.Build, info.Topic, info.Sources, info.Misplaced, info.Status,
            info.Reason, [.. partitions.Select(Answers.Of)]);
    }

    private static byte[] Resource(string name)
    {
        using var stream = typeof(OperationsPage).Assembly.GetManifestResourceStream(name)!;
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    private sealed record OperationsStatus(
        string Application, string Silo, DateTimeOffset Time, string? NotReady, IReadOnlyList<string> Troubles,
        IReadOnlyList<SiloInfo> Silos, IReadOnlyList<OperationsDataset> Datasets);

    private sealed record OperationsDataset(
        string Name, string Kind, int Version, int Build, string Topic, IReadOnlyList<string> Sources, long Misplaced,
        PartitionState Status, string? Reason,
        IReadOnlyList<PartitionInfo> Partitions);
}
