using System.Net.Http.Json;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Client;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Hosting;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>Definitions that a silo does not come with, in a host of this process.</summary>
public sealed class DefinitionsTests : EndToEndTest
{
    private readonly TemporaryDirectory _data = new();

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await base.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task A_dataset_that_stops_at_bad_records_stops_before_one_and_says_where()
    {
        await using var host =
            await StartAsync(topology => topology.AddEntity<Meter>(meter => meter.OnBadRecord(BadRecords.Stop).WithPartitions(1)));
        using var client = ClientOf(host);
        var good = (await client.AppendAsync("meter", [Reading("m", 1)]))[0];
        await client.GetAsync<Meter>("meter", "m", new() { AtLeast = good });
        var bad = (await client.AppendAsync("meter", [new() { Key = "m", Value = "no reading" }, Reading("m", 2)]))[0];

        await UntilAsync(async () => (await client.DatasetsAsync()).Single().Status == PartitionState.Stopped, "status 'stopped'");
        using var http = new HttpClient { BaseAddress = client.Url };
        var dataset = (await http.GetFromJsonAsync<JsonElement>("api/datasets"))[0];
        Assert.Contains(bad.ToString(), dataset.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, dataset.GetProperty("behind").GetProperty("records").GetInt64());
        Assert.Contains(bad.ToString(), await http.GetStringAsync("health/ready"), StringComparison.Ordinal);
        Assert.Equal(new(1, 1), (await client.GetAsync<Meter>("meter", "m"))!.State);
        Assert.Empty(await client.ReadRecordsAsync("actorstreams.dead-letters").ToListAsync());
    }

    [Fact]
    public void Views_that_feed_each_other_are_refused_before_anything_starts()
    {
        var error = Assert.Throws<TopologyException>(() => WebApplication.CreateBuilder()
            .AddActorStreams(topology => topology.AddView<Hen>().AddView<Egg>()));
        Assert.Contains(error.Errors, sentence => sentence.Contains("'hen' → 'egg' → 'hen'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_view_that_is_new_has_all_that_its_source_had_folded_before_and_so_after_a_rebuild()
    {
        await using (var host = await StartAsync(topology => topology.AddEntity<Meter>()))
        {
            using var client = ClientOf(host);
            await client.AppendAsync("meter", Enumerable.Range(0, 100).Select(i => Reading($"m{i % 10}", i)));
            await UntilAsync(async () => (await client.DatasetsAsync()).Single() is { States: 10, Behind.Records: 0 }, "ten meters");
            await host.StopAsync();
        }

        void WithTotal(TopologyBuilder topology) => topology.AddEntity<Meter>().AddView<Total>();
        foreach (var rebuild in new[] { false, true, false })
        {
            await using var host = await StartAsync(WithTotal, $"--Silo:Rebuild={rebuild}");
            using var client = ClientOf(host);
            await UntilAsync(
                async () => (await client.GetAsync<Total>("total", "all"))?.State == new Total(10, 100), "the total of all meters");
            Assert.Equal(new(10, 93), (await client.GetAsync<Meter>("meter", "m3"))!.State);
            await host.StopAsync();
        }
    }

    private async Task<WebApplication> StartAsync(Action<TopologyBuilder> define, params string[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = ["--urls", $"http://127.0.0.1:{Ports.Free()}", $"--Silo:DataDirectory={_data.Path}", .. settings],
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Logging.ClearProviders();
        builder.AddActorStreams(define);
        var app = builder.Build();
        try
        {
            app.MapActorStreams();
            await app.StartAsync();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private static ActorStreamsClient ClientOf(WebApplication host) => new(new Uri(host.Urls.Single()));

    private static AppendRecord Reading(string key, int value) => new() { Key = key, Value = new Read(value) };
}

internal sealed record Read(int Value);

/// <summary>A meter: how often it was read, and what it said last.</summary>
internal sealed record Meter(int Readings, int Last) : IEntity<Meter, Read>
{
    public static Meter? Apply(Meter? state, in Record<Read> record) => new((state?.Readings ?? 0) + 1, record.Value.Value);
}

/// <summary>All meters together.</summary>
internal sealed record Total(int Meters, int Readings) : IView<Total, Meter>
{
    public static IEnumerable<string> KeysOf(string key, Meter source) => ["all"];

    public static Total? Apply(Total? state, in Change<Meter> change) =>
        new((state?.Meters ?? 0) + change.Count, (state?.Readings ?? 0) + change.Sum(meter => meter.Readings));
}

/// <summary>A view of eggs.</summary>
internal sealed record Hen(int Count) : IView<Hen, Egg>
{
    public static IEnumerable<string> KeysOf(string key, Egg source) => [key];

    public static Hen? Apply(Hen? state, in Change<Egg> change) => state;
}

/// <summary>A view of hens.</summary>
internal sealed record Egg(int Count) : IView<Egg, Hen>
{
    public static IEnumerable<string> KeysOf(string key, Hen source) => [key];

    public static Egg? Apply(Egg? state, in Change<Hen> change) => state;
}
