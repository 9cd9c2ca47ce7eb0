using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ActorStreams.Hosting.Security.Listening;

/// <summary>
/// Ends connections that hold up a stop. A server that stops closes idle connections and lets requests end, but waits for one whose head
/// is half sent, or whose TLS has not begun, until the time for the stop is over.
/// </summary>
internal static class HalfSentHeads
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);
    private static readonly object Key = new();

    /// <summary>Watches the connections of an endpoint: before TLS, so that it holds for a handshake too.</summary>
    internal static void EndAtStop(this ListenOptions listen, TimeProvider time) => listen.Use(next => async connection =>
    {
        var requests = new Requests();
        connection.Items[Key] = requests;
        var stop = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        await using var registration = stop.UnsafeRegister(_ => _ = AbortAsync(connection, requests, time), null);
        try
        {
            await next(connection);
        }
        finally
        {
            requests.HasEnded = true;
        }
    });

    /// <summary>Counts the requests of each connection; first in the pipeline.</summary>
    internal static void CountRequests(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        var requests = http.Features.Get<IConnectionItemsFeature>()?.Items[Key] as Requests;
        requests?.Add(1);
        try
        {
            await next(http);
        }
        finally
        {
            requests?.Add(-1);
        }
    });

    private static async Task AbortAsync(ConnectionContext connection, Requests requests, TimeProvider time)
    {
        await Task.Delay(Grace, time);
        if (!requests.HasEnded && requests.Count == 0)
            connection.Abort(new ConnectionAbortedException("The silo stops, and the head of the request was half sent."));
    }

    /// <summary>The requests under way on a connection, and whether the connection has ended.</summary>
    private sealed class Requests
    {
        private int _count;

        internal volatile bool HasEnded;

        internal int Count => Volatile.Read(ref _count);

        internal void Add(int requests) => Interlocked.Add(ref _count, requests);
    }
}
