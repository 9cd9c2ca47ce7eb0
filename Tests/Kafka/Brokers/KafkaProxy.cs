using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ActorStreams.Tests.Kafka.Brokers;

/// <summary>Stands before a broker, so that its connections can be cut, refused and slowed while the broker lives.</summary>
internal sealed class KafkaProxy(int port, int target) : IAsyncDisposable
{
    private const int BufferBytes = 1 << 18;

    private readonly ConcurrentDictionary<int, ConcurrentQueue<bool>> _drops = [];
    private readonly ConcurrentDictionary<Socket, bool> _open = [];
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;

    public int Port => port;

    /// <summary>How much later the broker's answers come.</summary>
    public int DelayMilliseconds { get; set; }

    public void Up()
    {
        if (_listener is not null)
            return;
        _listener = new(IPAddress.Loopback, port);
        _listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Start();
        _accepting = AcceptAsync(_listener);
    }

    public async Task DownAsync()
    {
        _listener?.Stop();
        _listener = null;
        await _accepting; // the port is free only when nobody accepts on it any more
        foreach (var socket in _open.Keys)
            socket.Close();
        _open.Clear();
    }

    /// <summary>For each of the next requests of a type, whether its connection ends before the broker sees it.</summary>
    public void Drop(int requestType, IEnumerable<bool> drops)
    {
        var queue = _drops.GetOrAdd(requestType, _ => new());
        foreach (var drop in drops)
            queue.Enqueue(drop);
    }

    public ValueTask DisposeAsync() => new(DownAsync());

    private async Task AcceptAsync(TcpListener listener)
    {
        while (true)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptSocketAsync());
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return; // stopped
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var broker = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            (_open[client], _open[broker]) = (true, true);
            try
            {
                await broker.ConnectAsync(IPAddress.Loopback, target);
                await using var up = new NetworkStream(client);
                await using var down = new NetworkStream(broker);
                await Task.WhenAny(RequestsAsync(up, down), AnswersAsync(down, up));
            }
            catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
            {
                // One of the two has gone.
            }

            _open.TryRemove(client, out _);
            _open.TryRemove(broker, out _);
        }
    }

    private async Task RequestsAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[BufferBytes];
        while (await from.ReadAtLeastAsync(buffer.AsMemory(0, 4), 4, throwOnEndOfStream: false) == 4)
        {
            var size = BinaryPrimitives.ReadInt32BigEndian(buffer) + 4;
            if (size > buffer.Length)
                Array.Resize(ref buffer, size);
            await from.ReadExactlyAsync(buffer.AsMemory(4, size - 4));
            var requestType = BinaryPrimitives.ReadInt16BigEndian(buffer.AsSpan(4));
            if (_drops.TryGetValue(requestType, out var drops) && drops.TryDequeue(out var drop) && drop)
                return;
            await to.WriteAsync(buffer.AsMemory(0, size));
        }
    }

    private async Task AnswersAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[BufferBytes];
        int read;
        while ((read = await from.ReadAsync(buffer)) > 0)
        {
            if (DelayMilliseconds is > 0 and var delay)
                await Task.Delay(delay);
            await to.WriteAsync(buffer.AsMemory(0, read));
        }
    }
}
