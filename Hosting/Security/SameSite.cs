using System.Net;
using ActorStreams.Hosting.Security.Listening;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// Where nobody is asked for a token, a page of another site that a browser on this machine shows could use the silo. Browsers say where a request
/// comes from, so what changes something is refused from elsewhere; and while everything listens on loopback, so is a name that is not this machine's,
/// which a page can make its own (DNS rebinding).
/// </summary>
internal static class SameSite
{
    internal static void UseSameSite(this WebApplication app)
    {
        var posture = app.Services.GetRequiredService<Posture>();
        if (posture.NeedsToken)
            return;
        var named = app.Configuration["AllowedHosts"] is { Length: > 0 } hosts && hosts != "*";
        var checksHost = posture.Open.Count == 0 && !named;
        app.Use((http, next) => (checksHost && !IsThisMachine(http.Request.Host.Host)) || (Changes(http) && !IsFromHere(http.Request))
            ? Refusal.WriteAsync(http, StatusCodes.Status403Forbidden, "Not from another site", checksHost && !IsThisMachine(http.Request.Host.Host)
                ? $"The request names the host '{Caller.Printable(http.Request.Host.Host)}', but the silo serves this machine alone. Use localhost, or list the host in AllowedHosts."
                : "A page of another site cannot change anything here.")
            : next(http));
    }

    private static bool Changes(HttpContext http) => !HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method);

    private static bool IsThisMachine(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static bool IsFromHere(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site && site is not ("same-origin" or "none"))
            return false;
        return request.Headers.Origin.ToString() is not { Length: > 0 } origin
            || (Uri.TryCreate(origin, UriKind.Absolute, out var from) && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }
}
