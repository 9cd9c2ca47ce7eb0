using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Authorization;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// An endpoint cannot allow anonymous access by itself, as endpoints of libraries do: only <see cref="AccessRules"/> opens a path.
/// </summary>
internal static class ClosedEndpoints
{
    /// <summary>One for each that there is: authorization caches what it knows of an endpoint for ever.</summary>
    private static readonly ConditionalWeakTable<Endpoint, Endpoint> Closed = [];

    internal static void UseClosedEndpoints(this WebApplication app) => app.Use((http, next) =>
    {
        if (http.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            http.SetEndpoint(Closed.GetValue(endpoint, Close));
        return next(http);
    });

    private static Endpoint Close(Endpoint endpoint)
    {
        var metadata = new EndpointMetadataCollection(endpoint.Metadata.Where(one => one is not IAllowAnonymous));
        return endpoint is RouteEndpoint route
            ? new RouteEndpoint(route.RequestDelegate!, route.RoutePattern, route.Order, metadata, route.DisplayName)
            : new Endpoint(endpoint.RequestDelegate, metadata, endpoint.DisplayName);
    }
}
