using System.Diagnostics;

namespace ActorStreams.Tests.Deploy;

/// <summary>Programs that the manifests are checked with.</summary>
internal static class Tool
{
    /// <summary>Runs it, and answers what it wrote.</summary>
    internal static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var (code, output, errors) = await TryAsync(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} ended with {code}:\n{errors}\n{output}");
        return output;
    }

    /// <summary>Runs it, and answers how it ended.</summary>
    internal static async Task<(int Code, string Output, string Errors)> TryAsync(string program, params string[] arguments)
    {
        Needed.Program(program);
        using var process =
            Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
