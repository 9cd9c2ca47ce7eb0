using System.Diagnostics;

namespace ActorStreams.Tests.Deploy;

/// <summary>
/// Every rendered object against the published schemas, those of KEDA and the Prometheus operator too: what must
/// be there and is not fails here.
/// </summary>
public sealed class SchemaTests
{
    private const string Missing = "The schemas are not installed: npm ci --prefix deploy/k8s/validate";

    public static TheoryData<string> All => ManifestTests.All;

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_object_is_valid(string name)
    {
        var text = await Tool.RunAsync("kubectl", "kustomize", Repository.File($"deploy/k8s/{name}"));
        var (code, said) = await ValidateAsync(text);
        Assert.True(code == 0, said);
    }

    [Fact]
    public async Task What_is_missing_or_of_a_wrong_kind_is_found()
    {
        var text = await Tool.RunAsync("kubectl", "kustomize", Repository.File("deploy/k8s/overlays/autoscale"));
        foreach (var (right, wrong) in new[]
        {
            ("memory: 2Gi", "memory: 2Gx"), ("triggers:", "trigger:"), ("podMetricsEndpoints:", "podMetricsEndpoints: none\n  unknown:"),
            ("kind: ScaledObject", "kind: ScaledThing"),
        })
            Assert.Equal(1, (await ValidateAsync(text.Replace(right, wrong, StringComparison.Ordinal))).Code);
    }

    private static async Task<(int Code, string Said)> ValidateAsync(string text)
    {
        var directory = Repository.File("deploy/k8s/validate");
        Needed.That(Directory.Exists(Path.Combine(directory, "node_modules")), Missing);
        using var process = Process.Start(new ProcessStartInfo("node", [Path.Combine(directory, "validate.mjs")])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(text);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
