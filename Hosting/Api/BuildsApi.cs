using ActorStreams.Grains;
using ActorStreams.Grains.Reads;
using ActorStreams.Hosting.Security;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Mvc;

namespace ActorStreams.Hosting.Api;

/// <summary>The builds of the datasets: how far each is, and what may be done with them (semantics §7).</summary>
internal static class BuildsApi
{
    private const string Changing = " Answers all builds. Wants the header X-ActorStreams: operate.";

    internal static void MapBuilds(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/api/builds").WithTags("builds");
        api.MapGet("", (HttpContext http, [FromServices] IGrainFactory grains, [FromServices] TimeProvider time, CancellationToken stop) =>
            ListAsync(http, grains, time, stop))
            .WithSummary("All builds").WithDescription(
                "Each with its status, why it exists, how far it is, its rate, the estimated time left, and the part of the time that "
                + "sending stored states to it may take. status is active, previous, ready, building, frozen or retired.")
            .Produces<BuildInfo[]>();
        Change(api, "/{dataset}/rebuild", (builds, dataset) => builds.Rebuild(dataset!), "Rebuild a dataset",
            "Makes new builds of it and of what depends on it, beside those that readers get. Readers are moved to them once they have "
            + "caught up, or by a cutover where Streams:Cutover is ByCommand.");
        Change(api, "/cutover", (builds, _) => builds.Cutover(null), "Move readers to the newest builds",
            "Of all datasets, in one step. 409 while a build has not caught up, or where there is none to move to.");
        Change(api, "/{dataset}/cutover", (builds, dataset) => builds.Cutover(dataset), "Move readers to a dataset's newest build",
            "And to those of all that is connected with it, in one step. 409 while one has not caught up, or where there is none to move "
            + "to.");
        Change(api, "/{dataset}/rollback", (builds, dataset) => builds.Rollback(dataset!), "Move readers back",
            "To the builds that a dataset and what depends on it had before, in one step. No later build takes over by itself until a new "
            + "one is made. 409 where there was none before.");
        api.MapPost(
            "/{dataset}/{number:int}/retire",
            (string dataset, int number, HttpContext http, [FromServices] IGrainFactory grains) =>
                ChangeAsync(http, grains, builds => builds.Retire(dataset, number)))
            .WithSummary("Delete a build").WithDescription(
                "And those that it feeds: states, and the input logs of views. 409 where readers get one of them." + Changing)
            .Produces<BuildInfo[]>().ProducesProblem(403).ProducesProblem(404).ProducesProblem(409);
    }

    private static void Change(
        RouteGroupBuilder api, string path, Func<IBuildsGrain, string?, Task<IReadOnlyList<BuildReply>>> change, string summary,
        string description)
    {
        var endpoint = path.Contains("{dataset}", StringComparison.Ordinal)
            ? api.MapPost(path, (string dataset, HttpContext http, [FromServices] IGrainFactory grains) =>
                ChangeAsync(http, grains, builds => change(builds, dataset)))
            : api.MapPost(path, (HttpContext http, [FromServices] IGrainFactory grains) =>
                ChangeAsync(http, grains, builds => change(builds, null)));
        endpoint.WithSummary(summary).WithDescription(description + Changing)
            .Produces<BuildInfo[]>().ProducesProblem(403).ProducesProblem(404).ProducesProblem(409);
    }

    internal static async Task<IEnumerable<BuildInfo>> ListAsync(
        HttpContext http, IGrainFactory grains, TimeProvider time, CancellationToken stop)
    {
        var builds = await time.RetryAsync(() => grains.GetGrain<IBuildsGrain>(0).Builds(), stop);
        return Access.Of(http).Datasets(builds, build => build.Dataset).Select(Answers.Of);
    }

    /// <summary>Once begun it is finished, also when the caller goes away.</summary>
    private static async Task<IResult> ChangeAsync(
        HttpContext http, IGrainFactory grains, Func<IBuildsGrain, Task<IReadOnlyList<BuildReply>>> change) =>
        DeadLettersApi.FaultOfHeader(http) ?? Results.Ok((await change(grains.GetGrain<IBuildsGrain>(0))).Select(Answers.Of));
}
