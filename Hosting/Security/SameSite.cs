using System.Net;
using ActorStreams.Hosting.Security.Listening;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// Without tokens, a page of another site could use the silo through a browser on this machine. Browsers say where a request comes from,
/// so a request that changes something is refused from elsewhere. While everything listens on loopback, a host name that is not this
/// machine's is refused too: a page can make its own name resolve to loopback (DNS rebinding).
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
        app.Use((http, next) =>
        {
            if (checksHost && !IsThisMachine(http.Request.Host.Host))
            {
                return RefuseAsync(
                    http, $"The request names the host '{Caller.Printable(http.Request.Host.Host)}', but the silo serves this machine "
                    + "alone. Use localhost, or list the host in AllowedHosts.");
            }

            return Changes(http) && !IsFromHere(http.Request)
                ? RefuseAsync(http, "A page of another site cannot change anything here.")
                : next(http);
        });
    }

    private static Task RefuseAsync(HttpContext http, string detail) =>
        Refusal.WriteAsync(http, StatusCodes.Status403Forbidden, "Not from another site", detail);

    private static bool Changes(HttpContext http) => !HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method);

    private static bool IsThisMachine(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static bool IsFromHere(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site && site is not ("same-origin" or "none"))
            return false;
        return request.Headers.Origin.ToString() is not { Length: > 0 } origin
            || (Uri.TryCreate(origin, UriKind.Absolute, out var from)
                && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }
}
