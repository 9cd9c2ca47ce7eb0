using ActorStreams.Definitions;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using ActorStreams.Grains;
using ActorStreams.Hosting.Security;
using Microsoft.AspNetCore.Diagnostics;

namespace ActorStreams.Hosting.Api;

/// <summary>Errors as RFC 9457 has them.</summary>
internal static class Problems
{
    /// <summary>An error that an endpoint answers.</summary>
    internal static IResult Of(int status, string title, string detail, Dictionary<string, object?>? extensions = null) =>
        Results.Problem(detail, statusCode: status, title: title, extensions: extensions);

    /// <summary>The refusal of a name that is no dataset's.</summary>
    internal static IResult NoSuchDataset(Topology topology, string name)
    {
        var refused = Refusals.NoSuchDataset(topology, name);
        return Of(refused.Status, refused.Title, refused.Message);
    }
}

/// <summary>
/// Answers exceptions: those that a caller can act on with their message, all others as 500 with their stack in the log alone.
/// </summary>
internal sealed partial class FailureHandler(ILogger<FailureHandler> logger, IProblemDetailsService problems) : IExceptionHandler
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
