using ActorStreams.Definitions;

namespace ActorStreams.Hosting.Api;

/// <summary>The HTTP API: a file for each kind of thing it gives.</summary>
internal static class ApiHosting
{
    internal static void AddApi(this IServiceCollection services)
    {
        services.AddProblemDetails();
        services.AddExceptionHandler<FailureHandler>();
        // A parameter that cannot be read is answered by a problem too, not by a bare 400.
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddApiDescription();
    }

    internal static void MapApi(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/api");
        api.MapDatasets();
        api.MapStates("entities", DatasetKind.Entity);
        api.MapStates("views", DatasetKind.View);
        api.MapTopics();
        api.MapAppends();
        api.MapLineage();
        api.MapSilos();
        app.MapDeadLetters();
        app.MapBuilds();
    }
}
