using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Deploy;

/// <summary>
/// The alerts on a real silo, watched by a real Prometheus with the shipped rules; only their waiting times are cut short.
/// </summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed partial class StalledPartitionTests : EndToEndTest
{
    private const string Alert = "ActorStreamsPartitionPaused";

    [Fact]
    public async Task A_partition_that_cannot_fold_fires_its_alert_and_the_alert_ends_with_the_trouble()
    {
        Needed.Program("prometheus");
        using var directory = new TemporaryDirectory();
        var silo = await StartSiloAsync("--Streams:CheckpointIntervalSeconds=0.1", "--Streams:TableEntries=8");
        await silo.PlaceAsync("o0", "c", 1);
        var rules = directory.File("rules.yaml");
        await File.WriteAllTextAsync(
            rules, Waits().Replace(await File.ReadAllTextAsync(Repository.File("deploy/monitoring/rules.yaml")), "for: 2s"));
        var configuration = directory.File("prometheus.yaml");
        await File.WriteAllTextAsync(configuration, $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: ["{{rules}}"]
            scrape_configs: [{ job_name: actorstreams, static_configs: [{ targets: ["{{silo.Url.Authority}}"] }] }]
            """);
        var address = $"127.0.0.1:{Ports.Free()}";
        using var prometheus = Process.Start(new ProcessStartInfo(
            "prometheus",
            [
                $"--config.file={configuration}", $"--storage.tsdb.path={directory.File("tsdb")}", $"--web.listen-address={address}",
                "--log.level=error",
            ]))!;
        using var http = new HttpClient { BaseAddress = new($"http://{address}/") };
        try
        {
            await UntilAsync(
                async () => (await AskAsync(http, "query?query=actorstreams_silo_ready")).GetProperty("result").GetArrayLength() == 1,
                "the silo is scraped");
            Assert.False(await FiresAsync(http));
            using (StorageTroubleTests.Lock(silo, "states.db"))
            {
                await silo.PlaceAsync("o1", "c", 2);
                await UntilAsync(() => FiresAsync(http), "the alert fires");
            }

            await UntilAsync(async () => !await FiresAsync(http), "the alert ends");
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync();
        }
    }

    private static async Task<bool> FiresAsync(HttpClient http) => (await AskAsync(http, "alerts")).GetProperty("alerts").EnumerateArray()
        .Any(alert => alert.GetProperty("labels").GetProperty("alertname").GetString() == Alert
            && alert.GetProperty("state").GetString() == "firing");

    private static async Task<JsonElement> AskAsync(HttpClient http, string what)
    {
        try
        {
            return (await http.GetFromJsonAsync<JsonElement>($"api/v1/{what}")).GetProperty("data");
        }
        catch (HttpRequestException)
        {
            return JsonDocument.Parse("""{"result":[],"alerts":[]}""").RootElement; // it is only starting
        }
    }

    [GeneratedRegex(@"for: \d+m")]
    private static partial Regex Waits();
}
