using ActorStreams.Protocol;

namespace ActorStreams.Hosting.Health;

/// <summary>
/// Health for Kubernetes' probes: started once, live checks only the process itself, ready says whether to send requests here.
/// </summary>
internal static class HealthApi
{
    internal static void MapHealth(this IEndpointRouteBuilder app)
    {
        var health = app.MapGroup("/health").WithTags("health");
        health.MapGet("/live", () => new HealthInfo(HealthState.Live, null, [])).WithSummary("Live")
            .WithDescription("The process answers.");
        health.MapGet("/startup", (IHostApplicationLifetime lifetime) => lifetime.ApplicationStarted.IsCancellationRequested
                ? Results.Ok(new HealthInfo(HealthState.Started, null, []))
                : Results.Json(
                    new HealthInfo(HealthState.Starting, "The silo is starting.", []), statusCode: StatusCodes.Status503ServiceUnavailable))
            .WithSummary("Started").WithDescription("The silo has joined the cluster and started once; it stays so.").Produces<HealthInfo>()
            .Produces<HealthInfo>(503);
        health.MapGet("/ready", (Readiness readiness) => readiness.Reason is { } reason
                ? Results.Json(
                    new HealthInfo(HealthState.NotReady, reason, readiness.Troubles), statusCode: StatusCodes.Status503ServiceUnavailable)
                : Results.Ok(new HealthInfo(HealthState.Ready, null, readiness.Troubles)))
            .WithSummary("Ready").WithDescription(
                "The silo can answer; troubles names the partitions that do not fold, and why.").Produces<HealthInfo>()
                    .Produces<HealthInfo>(503);
    }
}
