namespace ActorStreams.Hosting.Security;

/// <summary>The route of a request, without its parameters: <c>/api/entities/{dataset}/{**key}</c>.</summary>
internal static class RouteNames
{
    private const string None = "/";

    /// <summary>The route's pattern; where no route fits, a slash.</summary>
    internal static string Of(HttpContext context)
    {
        var feature = context.Features.Get<Microsoft.AspNetCore.Diagnostics.IExceptionHandlerFeature>();
        return (context.GetEndpoint() ?? feature?.Endpoint) is RouteEndpoint { RoutePattern.RawText: { } pattern } ? pattern : None;
    }
}
