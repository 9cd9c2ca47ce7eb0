using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ActorStreams.MockKafka;

/// <summary>
/// The mock cluster as a program: <c>ActorStreams.MockKafka [--brokers 1] [--port 9092] [--max-mib 4096] [topic:partitions ...]</c>. It
/// prints its bootstrap servers, and keeps everything in memory until it is stopped. With <c>--driven</c> it obeys the lines of its
/// standard input and ends with it.
/// </summary>
public static class MockProgram
{
    public static async Task<int> RunAsync(string[] args)
    {
        using var cluster = new MockCluster(Option(args, "--brokers", 1), (long)Option(args, "--max-mib", 4096) << 20);
        foreach (var topic in args.Where(arg => arg.Contains(':', StringComparison.Ordinal)).Select(arg => arg.Split(':')))
            cluster.Do($"topic {topic[0]} {topic[1]} 1");
        var servers = cluster.BootstrapServers;
        if (Option(args, "--port", 0) is > 0 and var port)
            servers = Relay(port, servers);
        Console.WriteLine(servers);
        if (args.Contains("--driven"))
            Obey(cluster);
        else
            await StoppedAsync();
        return 0;
    }

    private static void Obey(MockCluster cluster)
    {
        while (Console.ReadLine() is { } line)
        {
            try
            {
                cluster.Do(line);
                Console.WriteLine("ok");
            }
            catch (Exception error)
            {
                Console.WriteLine(error.Message.ReplaceLineEndings(" "));
            }
        }
    }

    private static async Task StoppedAsync()
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        await stopped.Task;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stopped.TrySetResult();
        }
    }

    /// <summary>
    /// The brokers choose their own ports. A client that starts at the given one learns theirs from the first broker's answer.
    /// </summary>
    private static string Relay(int port, string servers)
    {
        var first = IPEndPoint.Parse(servers.Split(',')[0]);
        var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        _ = AcceptAsync();
        return $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}";

        async Task AcceptAsync()
        {
            while (true)
                _ = ForwardAsync(await listener.AcceptTcpClientAsync());
        }

        async Task ForwardAsync(TcpClient client)
        {
            using (client)
            using (var broker = new TcpClient())
            {
                try
                {
                    await broker.ConnectAsync(first);
                    await Task.WhenAny(
                        client.GetStream().CopyToAsync(broker.GetStream()), broker.GetStream().CopyToAsync(client.GetStream()));
                }
                catch (Exception error) when (error is IOException or SocketException)
                {
                    // The client sees its connection end.
                }
            }
        }
    }

    private static int Option(string[] args, string name, int otherwise) =>
        Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length
            ? int.Parse(args[at + 1], CultureInfo.InvariantCulture)
            : otherwise;
}
