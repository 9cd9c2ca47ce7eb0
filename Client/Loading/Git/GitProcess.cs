using System.ComponentModel;
using System.Diagnostics;
using ActorStreams.Client.Calls;

namespace ActorStreams.Client.Loading.Git;

/// <summary>A run of git: its output as a stream, its errors as a sentence.</summary>
internal sealed class GitProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private GitProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public Stream Output => _process.StandardOutput.BaseStream;

    public static GitProcess Start(string directory, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("git")
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        foreach (var argument in arguments.Prepend(directory).Prepend("-C"))
            start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        start.Environment["GIT_OPTIONAL_LOCKS"] = "0";
        try
        {
            return new(Process.Start(start)!);
        }
        catch (Win32Exception e)
        {
            throw new LoadSourceException($"git could not be started ({e.Message}). Install it, or put it on the PATH.", e);
        }
    }

    /// <summary>Runs git and answers what it wrote, or null when it failed.</summary>
    public static async Task<string?> TryAskAsync(string directory, CancellationToken cancellationToken, params string[] arguments)
    {
        using var git = Start(directory, arguments);
        var answer = await git._process.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        await git._process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return git._process.ExitCode == 0 ? answer.Trim() : null;
    }

    /// <summary>Waits for the end, and throws when git failed.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (_process.ExitCode != 0)
            throw new LoadSourceException(
                $"git ended with code {_process.ExitCode}: {(await _errors.ConfigureAwait(false)).Trim().ReplaceLineEndings(" ")}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
