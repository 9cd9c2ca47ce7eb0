using ActorStreams.Hosting.Telemetry;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using Microsoft.AspNetCore.Diagnostics;

namespace ActorStreams.Hosting.Api;

/// <summary>The HTTP API: a file for each kind of thing it gives.</summary>
internal static partial class Api
{
    internal static void AddApi(this IServiceCollection services)
    {
        services.AddProblemDetails();
        services.AddExceptionHandler<Failures>();
        // A parameter that cannot be read is told as a problem too, and not by a bare 400.
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddOpenApi("v1", openApi => openApi.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "ActorStreams";
            document.Info.Description =
                "Entities and derived views, folded from the change log. Ask the grains; there is no serving store.";
            return Task.CompletedTask;
        }));
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
    }

    /// <summary>An error as RFC 9457 wants it.</summary>
    internal static IResult Problem(int status, string title, string detail, Dictionary<string, object?>? extensions = null) =>
        Results.Problem(detail, statusCode: status, title: title, extensions: extensions);

    /// <summary>Failures that a caller can do something about, and those that are our fault: without their stack.</summary>
    private sealed partial class Failures(ILogger<Failures> logger, IProblemDetailsService problems) : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
        {
            var (status, title, detail) = exception is BadHttpRequestException bad
                ? (bad.StatusCode, "Bad request", bad.InnerException is null ? bad.Message : $"{bad.Message} {bad.InnerException.Message}")
                : Refusals.Of(exception) is { } refused ? (refused.Status, refused.Title, refused.Message)
                : (500, "The silo failed", "The silo's log says why.");
            if (status == 500)
                LogFailure(logger, exception, httpContext.Request.Method, RouteNames.Of(httpContext));
            httpContext.Response.StatusCode = status;
            return await problems.TryWriteAsync(
                new() { HttpContext = httpContext, ProblemDetails = new() { Status = status, Title = title, Detail = detail } });
        }

        // The route and not the path, which may have a key.
        [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Route} failed.")]
        private static partial void LogFailure(ILogger logger, Exception error, string method, string route);
    }
}
