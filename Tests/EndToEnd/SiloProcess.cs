using System.Diagnostics;
using System.Net.Sockets;
using System.Net;
using ActorStreams.Client;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>The real silo, as a process of its own that can be stopped, killed and started again on the same data and port.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private const int KeptLines = 400;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(25);
    private readonly Queue<string> _lines = [];
    private readonly Queue<string> _errors = [];
    private readonly TemporaryDirectory? _own;
    private Process? _process;

    /// <param name="data">The data directory; a temporary one when left out.</param>
    internal SiloProcess(string? data = null)
    {
        _own = data is null ? new TemporaryDirectory() : null;
        Data = data ?? _own!.File("data");
        Url = new($"http://127.0.0.1:{Ports.Free()}/");
        Http = new(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue }) { BaseAddress = Url, Timeout = Patience };
        Client = NewClient();
    }

    internal string Data { get; }

    internal Uri Url { get; }

    internal HttpClient Http { get; }

    /// <summary>A client that comes back fast after a crash.</summary>
    internal ActorStreamsClient Client { get; }

    /// <summary>Given at every start, before those of the single start.</summary>
    internal IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>What is run: a library of the tests' own folder, and what is given to it before all else.</summary>
    internal string[] Program { get; init; } = ["ActorStreams.Silo.dll"];

    /// <summary>Variables of its environment, from the next start on.</summary>
    internal Dictionary<string, string> Variables { get; } = [];

    /// <summary>Called with every line it writes, since only the last are kept.</summary>
    internal Action<string>? OnLine { get; set; }

    internal bool Runs => _process is { HasExited: false };

    internal int ProcessId => _process!.Id;

    /// <summary>All it wrote lately, over all its lives.</summary>
    internal string Output
    {
        get
        {
            lock (_lines)
                return string.Join('\n', _lines);
        }
    }

    /// <summary>What it wrote to its standard error, over all its lives.</summary>
    internal string Errors
    {
        get
        {
            lock (_lines)
                return string.Join('\n', _errors);
        }
    }

    internal ActorStreamsClient NewClient() => new(Url, new() { ReconnectMinMilliseconds = 20, ReconnectMaxMilliseconds = 250 });

    /// <summary>Starts it, and waits until it is ready.</summary>
    internal async Task StartAsync(params string[] settings)
    {
        Launch(settings);
        await ReadyAsync();
    }

    /// <summary>Starts it, and waits for nothing.</summary>
    internal void Launch(params string[] settings)
    {
        Assert.False(Runs, "The silo runs already.");
        var ended = _process;
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Two cores for all: a tiered start is what users have, and a profile for the optimizer costs what a short life never earns.
            Environment = { ["DOTNET_TieredPGO"] = "0" },
        };
        foreach (var (name, value) in Variables)
            start.Environment[name] = value;
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, Program[0]), .. Program[1..], "--urls", Url.AbsoluteUri, "--data", Data, .. Settings,
            .. settings,
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        Keep($"--- silo {string.Join(' ', settings)}");
        _process = Process.Start(start)!;
        ended?.Dispose(); // after it was replaced: others look at it
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
                OnLine?.Invoke(text);
            Keep(line.Data);
        };
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
                OnLine?.Invoke(text);
            Keep(line.Data);
            Keep(line.Data, _errors);
        };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    internal async Task ReadyAsync()
    {
        var started = Stopwatch.GetTimestamp();
        while (!await Client.IsReadyAsync())
        {
            Assert.True(Runs, $"The silo ended before it was ready:\n{Output}");
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"The silo did not get ready:\n{Output}");
            await Task.Delay(AskEvery);
        }
    }

    /// <summary>
    /// Waits until it is ready, and starts it again where it ends before: others share what it needs, and may have taken that away.
    /// </summary>
    internal async Task ReadyAgainAsync()
    {
        var started = Stopwatch.GetTimestamp();
        while (!await Client.IsReadyAsync())
        {
            if (!Runs)
                Launch();
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"The silo did not get ready:\n{Output}");
            await Task.Delay(AskEvery);
        }
    }

    /// <summary>SIGKILL: it ends in the middle of whatever it does.</summary>
    internal async Task KillAsync()
    {
        _process!.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM: it writes its last checkpoints.</summary>
    /// <returns>The exit code.</returns>
    internal async Task<int> StopAsync()
    {
        await SignalAsync("TERM");
        return await EndAsync();
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>SIGSTOP: it is frozen in the middle of whatever it does, and its connections stay open.</summary>
    internal Task PauseAsync() => SignalAsync("STOP");

    /// <summary>SIGCONT: it goes on, and does not know for how long it was away.</summary>
    internal Task ContinueAsync() => SignalAsync("CONT");

    /// <summary>Waits until it ends by itself, and answers the exit code.</summary>
    internal async Task<int> EndAsync()
    {
        await _process!.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (Runs)
            await KillAsync();
        _process?.Dispose();
        _process = null;
        Client.Dispose();
        Http.Dispose();
        _own?.Dispose();
    }

    private void Keep(string? line, Queue<string>? lines = null)
    {
        if (line is null)
            return;
        lock (_lines)
        {
            lines ??= _lines;
            lines.Enqueue(line);
            if (lines.Count > KeptLines)
                lines.Dequeue();
        }
    }
}
