using System.Diagnostics;
using System.Net.Sockets;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Deploy;

/// <summary>
/// A container of our image as Kubernetes would run it: little memory, a root that nobody may write to, no
/// capabilities. Needs root, podman and runc.
/// </summary>
internal sealed class Container : IAsyncDisposable
{
    private readonly TemporaryDirectory _data = new();
    private readonly string _name = $"actorstreams-test-{Guid.NewGuid():n}";
    private readonly string _image;

    private Container(string image) => _image = image;

    internal HttpClient Http { get; } = new()
    {
        BaseAddress = new($"http://127.0.0.1:{Ports.Free()}/"), Timeout = TimeSpan.FromSeconds(10),
    };

    internal static async Task<Container> StartAsync(string image, double drainSeconds)
    {
        var container = new Container(image);
        await Tool.RunAsync("chown", "10001:10001", container._data.Path);
        await container.RunAsync(drainSeconds);
        return container;
    }

    /// <summary>Waits until a path answers 200.</summary>
    /// <returns>How long it took.</returns>
    internal async Task<TimeSpan> AnswersAsync(string path)
    {
        var started = Stopwatch.GetTimestamp();
        while (await StatusAsync(path) != 200)
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60), $"{path} is not answered:\n{await LogAsync()}");
            await Task.Delay(25);
        }

        return Stopwatch.GetElapsedTime(started);
    }

    /// <summary>The status; 0 where nobody listens.</summary>
    internal async Task<int> StatusAsync(string path)
    {
        try
        {
            using var response = await Http.GetAsync(new Uri(path, UriKind.Relative));
            return (int)response.StatusCode;
        }
        catch (HttpRequestException error) when (error.InnerException is SocketException or IOException)
        {
            return 0;
        }
    }

    internal Task SignalAsync(string signal) => Tool.RunAsync("podman", "kill", "--signal", signal, _name);

    /// <summary>Waits until it has ended, and answers the exit code.</summary>
    internal async Task<int> EndAsync() => int.Parse(await Tool.RunAsync("podman", "wait", _name), CultureInfo.InvariantCulture);

    internal Task StartAgainAsync() => Tool.RunAsync("podman", "start", _name);

    internal async Task<(int Code, string Output)> ExecuteAsync(params string[] command)
    {
        var (code, output, errors) = await Tool.TryAsync(
            "podman", ["exec", "--env", $"ACTORSTREAMS_URL={Http.BaseAddress}", _name, .. command]);
        return (code, output + errors);
    }

    internal async Task<string> LogAsync()
    {
        var (_, output, errors) = await Tool.TryAsync("podman", "logs", _name);
        return output + errors;
    }

    public async ValueTask DisposeAsync()
    {
        await Tool.TryAsync("podman", "rm", "--force", "--time", "0", _name);
        Http.Dispose();
        _data.Dispose();
    }

    private Task RunAsync(double drainSeconds) => Tool.RunAsync(
        "podman", "--runtime", "runc", "run", "--detach", "--name", _name, "--network", "host", "--memory", "512m", "--cpus", "2",
        // Without CAP_SYS_RESOURCE podman cannot raise limits, and would try.
        "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096",
        "--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp:size=64m", "--volume", $"{_data.Path}:/data", "--cap-drop", "all",
        "--security-opt", "no-new-privileges",
        "--env", $"ASPNETCORE_URLS={Http.BaseAddress}", "--env", "DOTNET_GCHeapHardLimitPercent=3C", "--env", "DOTNET_GCgen0size=4000000",
        "--env", string.Create(CultureInfo.InvariantCulture, $"Silo__DrainSeconds={drainSeconds}"),
        _image);
}
