using System.Diagnostics;

namespace ActorStreams.Tests.Deploy;

/// <summary>Programs that the manifests are checked with. Where one is missing the test is skipped, but not in the gate, which installs them.</summary>
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
        Need(program);
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Skips or fails the test where the program is missing.</summary>
    internal static void Need(string program)
    {
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, program)));
        if (found)
            return;
        var missing = $"There is no '{program}' in the PATH.";
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", missing);
        Assert.Fail(missing);
    }
}
