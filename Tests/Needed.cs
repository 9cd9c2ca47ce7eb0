namespace ActorStreams.Tests;

/// <summary>
/// What a test needs of the machine. Where it is missing the test is skipped, but not in the gate (<c>CI</c>), which installs it.
/// </summary>
internal static class Needed
{
    internal static void Program(string program, string remedy = "") => That(
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, program))),
        $"There is no '{program}' in the PATH. {remedy}".TrimEnd());

    internal static void That(bool isThere, string missing)
    {
        if (isThere)
            return;
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", missing);
        Assert.Fail(missing);
    }
}
