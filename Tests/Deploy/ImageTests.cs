using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Deploy;

/// <summary>
/// The image, built and run. It takes minutes and needs root, so it runs where <c>ACTORSTREAMS_TEST_IMAGE=1</c> asks for it:
/// <c>ACTORSTREAMS_TEST_IMAGE=1 dotnet test -c Release -- --filter-class '*ImageTests'</c>.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class ImageTests : EndToEndTest
{
    private const string Reason =
        "Builds an image and runs it in containers: set ACTORSTREAMS_TEST_IMAGE=1, as root, with mmdebstrap, podman and runc.";
    private const string Packages = "var/lib/dpkg/status.d/";
    private static readonly Lazy<Task<(string Image, string Digest)>> Built = new(BuildAsync);

    [Fact]
    public async Task It_is_small_has_no_program_but_ours_and_no_root()
    {
        var (image, _) = await ImageAsync();
        var inspected = JsonNode.Parse(await Tool.RunAsync("podman", "image", "inspect", image))![0]!;
        Print($"{(long)inspected["Size"]! / 1e6:0.0} MB");
        Assert.True((long)inspected["Size"]! < 150_000_000);
        Assert.Equal("10001:10001", (string)inspected["User"]!);
        foreach (var label in new[] { "title", "version", "revision", "created", "licenses" })
            Assert.NotEmpty((string)inspected["Labels"]![$"org.opencontainers.image.{label}"]!);
        var files = await FilesAsync(image);
        Assert.DoesNotContain(
            files.Where(file => !file.StartsWith(Packages, StringComparison.Ordinal)),
            file => file.Split('/') is [.., "sh" or "bash" or "dash" or "busybox" or "apt" or "dpkg" or "perl" or "openssl"]);
        Assert.DoesNotContain(files, file => !file.EndsWith('/')
            && (file.StartsWith("bin/", StringComparison.Ordinal) || file.StartsWith("usr/bin/", StringComparison.Ordinal)));
        Assert.Equal(["app/centos8-librdkafka.so"], files.Where(file => file.Contains("librdkafka", StringComparison.Ordinal)));
        // What scanners are told is there, and nothing else: a program's package whose files were left out would only raise alarms.
        Assert.Contains($"{Packages}libc6", files);
        Assert.DoesNotContain($"{Packages}openssl", files);
        Assert.DoesNotContain($"{Packages}dash", files);
    }

    [Fact]
    public async Task Built_again_it_is_the_same()
    {
        var (_, digest) = await ImageAsync();
        using var directory = new TemporaryDirectory();
        Assert.Equal(digest, await BuildAsync(directory.File("again.tar")));
    }

    [Fact]
    public async Task It_runs_in_512_MB_is_ready_within_ten_seconds_and_drains_when_it_is_asked_to_stop()
    {
        var (image, _) = await ImageAsync();
        var clock = Stopwatch.GetTimestamp();
        await using var container = await Container.StartAsync(image, drainSeconds: 3);
        await container.AnswersAsync("health/startup");
        await container.AnswersAsync("health/ready");
        var ready = Stopwatch.GetElapsedTime(clock);
        Print($"ready after {ready.TotalSeconds:0.0} s");
        Assert.True(ready < TimeSpan.FromSeconds(10), $"It was ready after {ready.TotalSeconds:0.0} s.");

        var (code, said) = await container.ExecuteAsync(
            "/app/actorstreams", "append", "shop.orders", "o1", """{"type":"placed","customer":"ann","total":10.5}""");
        Assert.True(code == 0, said);
        await container.AnswersAsync("api/views/spend/ann");
        Assert.NotEqual(0, (await container.ExecuteAsync("sh", "-c", "true")).Code);

        await DrainsAsync(container);
        clock = Stopwatch.GetTimestamp();
        await container.StartAgainAsync();
        await container.AnswersAsync("api/views/spend/ann");
        Print($"after a restart the view is there after {Stopwatch.GetElapsedTime(clock).TotalSeconds:0.0} s");
        await container.SignalAsync("TERM");
        Assert.Equal(0, await container.EndAsync());
    }

    /// <summary>
    /// From the signal on, and for as long as it drains, it answers everybody, and says to those who ask that it is not ready.
    /// </summary>
    private static async Task DrainsAsync(Container container)
    {
        var asked = Stopwatch.GetTimestamp();
        await container.SignalAsync("TERM");
        var (answered, notReady) = (0, 0);
        while (Stopwatch.GetElapsedTime(asked) < TimeSpan.FromSeconds(2.5))
        {
            Assert.Equal(200, await container.StatusAsync("api/views/spend/ann"));
            Assert.Equal(200, await container.StatusAsync("health/live"));
            answered++;
            notReady += await container.StatusAsync("health/ready") == 503 ? 1 : 0;
            using var appended = await container.Http.PostAsJsonAsync(
                "api/topics/shop.orders/records", new { key = "o2", value = new { type = "placed", customer = "bob", total = 1 } });
            Assert.True(appended.IsSuccessStatusCode, $"{appended.StatusCode}: {await appended.Content.ReadAsStringAsync()}");
        }

        Assert.True(
            notReady > 0 && answered > 10, $"Only {answered} rounds while it drained, and {notReady} times it said that it is not ready.");
        Assert.Equal(0, await container.EndAsync());
        Print(
            $"{answered} rounds while it drained; it ended {Stopwatch.GetElapsedTime(asked).TotalSeconds:0.0} s after the signal, "
            + "3 s of them for the drain");
    }

    private static async Task<(string Image, string Digest)> ImageAsync()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("ACTORSTREAMS_TEST_IMAGE") == "1", Reason);
        return await Built.Value;
    }

    private static async Task<(string Image, string Digest)> BuildAsync()
    {
        using var directory = new TemporaryDirectory();
        var digest = await BuildAsync(directory.File("image.tar"));
        var loaded = await Tool.RunAsync("podman", "load", "--quiet", "--input", directory.File("image.tar"));
        return (loaded[(loaded.LastIndexOf(' ') + 1)..].Trim(), digest);
    }

    private static async Task<string> BuildAsync(string file) =>
        (await Tool.RunAsync("bash", Repository.File("deploy/image/build.sh"), file)).Trim();

    private static async Task<IReadOnlyList<string>> FilesAsync(string image)
    {
        using var directory = new TemporaryDirectory();
        var name = $"actorstreams-files-{Guid.NewGuid():n}";
        await Tool.RunAsync("podman", "create", "--name", name, "--network", "none", image);
        try
        {
            await Tool.RunAsync("podman", "export", "--output", directory.File("files.tar"), name);
        }
        finally
        {
            await Tool.RunAsync("podman", "rm", name);
        }

        return [.. (await Tool.RunAsync("tar", "-tf", directory.File("files.tar"))).Split('\n').Select(file => file.TrimStart('.', '/'))
            .Where(file => file.Length > 0)];
    }
}
