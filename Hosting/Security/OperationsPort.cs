using ActorStreams.Hosting.Security.Listening;

namespace ActorStreams.Hosting.Security;

/// <summary>
/// A port of its own for operators, which a network can close to all others (<c>Silo:OperationsPort</c>). The port of the connection
/// decides: a Host header says what its sender likes.
/// </summary>
internal static class OperationsPort
{
    /// <summary>Listens there, beside the API.</summary>
    internal static void Listen(WebApplication app)
    {
        var operations = ListenAddresses.OfOperations(app.Configuration);
        if (operations.Count == 0)
            return;
        foreach (var url in ListenAddresses.OfApi(app.Configuration).Concat(operations))
            app.Urls.Add(url);
    }

    /// <summary>Serves each path at its own port alone; health and the list of builds at both.</summary>
    internal static void UsePorts(this WebApplication app)
    {
        var port = ListenAddresses.OperationsPort(app.Configuration);
        if (port == 0)
            return;
        app.Use((http, next) => AccessRules.IsAtBothPorts(http)
            || AccessRules.IsOperations(http) == (http.Connection.LocalPort == port)
            ? next(http)
            : Refusal.WriteAsync(http, StatusCodes.Status404NotFound, "Not at this port",
                AccessRules.IsOperations(http) ? "This is served at the operations port (Silo:OperationsPort)."
                    : "The operations port serves what operates the silo. The API is at its own port (--urls)."));
    }
}
