using System.ComponentModel;
using System.Diagnostics;
using ActorStreams.Cli.Commands;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;

namespace ActorStreams.Cli.Demo;

/// <summary>A silo as a child process: built, started, and stopped by a signal before it is killed.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private const int KeptLines = 30;

    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(300);

    private readonly Process _process;
    private readonly Queue<string> _lines = [];

    private SiloProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static SiloProcess Start(DemoSilo options)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = options.Root,
        };
        string[] arguments =
        [
            "run", "-c", "Release", "--project", Path.Combine(options.Root, "Silo"), "--",
            "--urls", options.Urls, "--data", Path.GetFullPath(options.Data),
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        try
        {
            return new(Process.Start(start)!);
        }
        catch (Win32Exception e)
        {
            throw new ActorStreamsException(
                $"dotnet could not be started ({e.Message}). Install the .NET SDK named in global.json.", innerException: e);
        }
    }

    /// <summary>Waits until the silo is ready.</summary>
    /// <exception cref="ActorStreamsException">It ended, or is not ready in time; the message holds the last lines it wrote.</exception>
    public async Task ReadyAsync(ActorStreamsClient client, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await client.IsReadyAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_process.HasExited)
                throw new ActorStreamsException(
                    $"The silo ended with code {_process.ExitCode} before it was ready. Its last lines:\n{LastLines()}");
            if (Stopwatch.GetElapsedTime(started) > ReadyWithin)
                throw new ActorStreamsException(
                    $"The silo was not ready within {ReadyWithin.TotalMinutes:N0} minutes. Its last lines:\n{LastLines()}");
            await Task.Delay(AskEvery, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Completes, with the last lines it wrote, when the silo ends by itself.</summary>
    public async Task<string> EndedAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return LastLines();
    }

    public async ValueTask DisposeAsync()
    {
        using (_process)
        {
            if (_process.HasExited)
                return;
            AskToStop();
            using var bound = new CancellationTokenSource(StopWithin);
            try
            {
                await _process.WaitForExitAsync(bound.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
    }

    // .NET has no call for a gentle end of another process. 'dotnet run' hands SIGTERM on to the silo; Windows has no such signal.
    private void AskToStop()
    {
        if (OperatingSystem.IsWindows())
            return;
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > KeptLines)
                _lines.Dequeue();
        }
    }

    private string LastLines()
    {
        lock (_lines)
            return string.Join('\n', _lines);
    }
}
