using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ActorStreams.Tests.Kafka.Brokers;

/// <summary>
/// One broker, controller or both, as a process of Java. It ends with the test process, however that ends: a shell holds it, and
/// kills it and deletes its files when the shell's input closes.
/// </summary>
internal sealed class KafkaNode(string home, int id, string directory) : IAsyncDisposable
{
    private const string Keeper = """
        exec 3<&0
        log=$1; files=$2; shift 2
        "$@" </dev/null >>"$log" 2>&1 3<&- &
        node=$!
        echo $node
        { cat <&3 >/dev/null; while kill -9 $node; do sleep 0.05; done; rm -rf "$files"; rmdir "${files%/*}"; } 2>/dev/null &
        watcher=$!
        wait $node
        kill $watcher 2>/dev/null
        """;

    private Process? _keeper;

    public int Id => id;

    /// <summary>The port of the brokers among each other, and of the fixture's own client.</summary>
    public int InternalPort { get; } = Ports.Free();

    /// <summary>The port on which the broker serves clients without a password.</summary>
    public int ClientPort { get; } = Ports.Free();

    private string Settings => Path.Combine(directory, "server.properties");

    private string Log => Path.Combine(directory, "log");

    private int ProcessId { get; set; }

    public bool Runs => _keeper is { HasExited: false };

    /// <summary>Writes the settings and prepares the directory of the data.</summary>
    public async Task FormatAsync(string cluster, IEnumerable<string> settings)
    {
        Directory.CreateDirectory(directory);
        await File.WriteAllLinesAsync(Settings, [.. settings, $"node.id={id}", $"log.dirs={directory}/data"]);
        // What `kafka-storage format` writes, without a Java process for each node.
        Directory.CreateDirectory(Path.Combine(directory, "data"));
        await File.WriteAllLinesAsync(
            Path.Combine(directory, "data", "meta.properties"),
            ["version=1", $"cluster.id={cluster}", $"node.id={id}", $"directory.id={NewId()}"]);
    }

    /// <summary>Starts the process, if it does not run.</summary>
    public async Task StartAsync()
    {
        if (Runs)
            return;
        string[] arguments = ["-c", Keeper, "keeper", Log, directory, "java", .. Java("kafka.Kafka", Settings)];
        _keeper = Process.Start(new ProcessStartInfo("sh", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        ProcessId = int.Parse((await _keeper.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until a port answers.</summary>
    public async Task ListensAsync(int port)
    {
        for (var tries = 0; ; tries++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException)
            {
                Assert.True(Runs && tries < 1_800, $"Node {id} does not start:\n{await LogAsync()}");
                await Task.Delay(50);
            }
        }
    }

    /// <summary>Sends a signal, <c>KILL</c>, <c>TERM</c>, <c>STOP</c> or <c>CONT</c>; waits for the end where it is to end.</summary>
    public async Task SignalAsync(string signal)
    {
        if (!Runs)
            return;
        using var kill = Process.Start("kill", [$"-{signal}", ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        if (signal is "KILL" or "TERM")
            await _keeper!.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await SignalAsync("KILL");
        _keeper?.Dispose();
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
    }

    /// <summary>A random id as Kafka writes them.</summary>
    public static string NewId() => Base64Url.EncodeToString(Guid.NewGuid().ToByteArray());

    private async Task<string> LogAsync() =>
        File.Exists(Log) ? Tail(await File.ReadAllTextAsync(Log)) : "It has no log.";

    private static string Tail(string text) => string.Join('\n', text.Split('\n').TakeLast(40));

    /// <summary>The compiler that begins at once, since a test's broker does not live long enough for the other.</summary>
    private string[] Java(params string[] command) =>
        ["-XX:TieredStopAtLevel=1", "-Xms64m", "-Xmx512m",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", $"{home}/libs/*", .. command];
}
