using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ActorStreams.Tests;

/// <summary>Ports of loopback for what a test starts.</summary>
internal static class Ports
{
    private const int First = 20_000;
    private const int Count = 12_000;
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>
    /// A port that is free, and that is given to nobody else. It lies below those that the system gives to outgoing connections, so that it
    /// is still free when what listens there is started, or started again.
    /// </summary>
    internal static int Free()
    {
        while (true)
        {
            var port = First + Random.Shared.Next(Count);
            if (!Given.TryAdd(port, true))
                continue;
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The next one, then.
            }
        }
    }
}
