using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ActorStreams.Client;
using ActorStreams.Client.Calls;
using ActorStreams.Protocol;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Builds;

/// <summary>Builds over HTTP, on a silo with an entity and a view of it.</summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class BuildsApiTests : EndToEndTest
{
    [Fact]
    public async Task A_rebuild_is_folded_beside_and_readers_move_to_it_back_and_it_is_retired()
    {
        await using var silo = NewSilo();
        using var http = await StartAsync(silo);
        using var client = await FillAsync(silo);
        var before = await http.GetAsync(new Uri("api/views/total/all", UriKind.Relative));

        await ChangesAsync(http, "meter/rebuild");
        var builds = await UntilAsync(http, "meter@2 active, total@2 active");
        Assert.Equal(["meter@1 previous", "total@1 previous", "meter@2 active", "total@2 active"], builds.Select(Words));
        Assert.Equal("Changed: a rebuild was asked for.", builds[2].Why);
        Assert.Equal(["meter@2"], builds[3].Sources);
        Assert.All(builds, build => Assert.Equal((1, (double?)null), (build.Progress, build.SecondsLeft)));
        var now = await http.GetFromJsonAsync<JsonElement>("api/views/total/all");
        Assert.Equal((2, "10 100"), (now.GetProperty("build").GetInt32(), Total(now)));
        Assert.Equal(2, (await http.GetFromJsonAsync<JsonElement>("api/entities/meter")).GetProperty("build").GetInt32());
        Assert.All(await client.DatasetsAsync(), dataset => Assert.Equal(2, dataset.Build));
        // The position of an entity is the same in both builds, but not what is named by it.
        using var again = new HttpRequestMessage(HttpMethod.Get, "api/views/total/all");
        again.Headers.IfNoneMatch.Add(before.Headers.ETag!);
        Assert.Equal(HttpStatusCode.OK, (await http.SendAsync(again)).StatusCode);

        await ChangesAsync(http, "meter/rollback");
        Assert.Equal(
            ["meter@1 active", "total@1 active", "meter@2 previous", "total@2 previous"], (await BuildsAsync(http)).Select(Words));
        Assert.Equal("10 100", Total(await http.GetFromJsonAsync<JsonElement>("api/views/total/all")));
        await RefusedAsync(http, "meter/1/retire", 409, "Readers get meter@1");
        await ChangesAsync(http, "meter/2/retire");
        await UntilAsync(async () => (await BuildsAsync(http)).Count == 2, "the retired builds are gone");
        Assert.Equal("10 100", Total(await http.GetFromJsonAsync<JsonElement>("api/views/total/all")));
    }

    [Fact]
    public async Task Where_it_is_asked_for_readers_move_by_command_alone()
    {
        await using var silo = NewSilo("--Streams:Cutover", "ByCommand");
        using var http = await StartAsync(silo);
        using var client = await FillAsync(silo);
        await ChangesAsync(http, "total/rebuild");
        var builds = await UntilAsync(http, "total@2 ready");
        Assert.True(builds[2].CutoverByCommand);
        Assert.Equal(1, (await client.GetAsync<Total>("total", "all"))!.Build);
        await ChangesAsync(http, "cutover");
        Assert.Equal(["meter@1 active", "total@1 previous", "total@2 active"], (await BuildsAsync(http)).Select(Words));
        var read = (await client.GetAsync<Total>("total", "all"))!;
        Assert.Equal((2, new Total(10, 100)), (read.Build, read.State));
    }

    [Fact]
    public async Task What_no_silo_defines_any_more_can_be_retired_whole()
    {
        var hasTotal = true;
        await using var silo = NewSilo(() => hasTotal);
        using (var http = await StartAsync(silo))
        using (await FillAsync(silo))
            await RefusedAsync(http, "total/1/retire", 409, "Readers get total@1");
        await silo.StopAsync();

        hasTotal = false;
        using var later = await StartAsync(silo);
        Assert.Equal(2, (await BuildsAsync(later)).Count);
        await ChangesAsync(later, "total/1/retire");
        await UntilAsync(async () => (await BuildsAsync(later)).Count == 1, "the retired build is gone");
        await silo.StopAsync();

        hasTotal = true;
        using var last = await StartAsync(silo);
        await UntilAsync(last, "meter@1 active, total@2 active");
        await UntilAsync(
            async () => await last.GetAsync(new Uri("api/views/total/all", UriKind.Relative)) is { IsSuccessStatusCode: true } answer
                && Total(await answer.Content.ReadFromJsonAsync<JsonElement>()) == "10 100",
            "the total, by another build");
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_with_the_reason()
    {
        await using var silo = NewSilo();
        using var http = await StartAsync(silo);
        await RefusedAsync(http, "nothing/rebuild", 404, "There is no dataset 'nothing'. There are: meter, total.");
        await RefusedAsync(http, "nothing/cutover", 404, "There is no dataset 'nothing'");
        await RefusedAsync(http, "nothing/rollback", 404, "There is no dataset 'nothing'");
        await RefusedAsync(http, "cutover", 409, "Readers get the newest build of each dataset already.");
        await RefusedAsync(http, "meter/cutover", 409, "Readers get the newest build of each dataset already.");
        await RefusedAsync(http, "meter/rollback", 409, "had no other build before");
        await RefusedAsync(http, "meter/7/retire", 404, "There is no build meter@7.");
        await RefusedAsync(http, "total/1/retire", 409, "Readers get total@1");
        using var bare = new HttpClient { BaseAddress = silo.Url };
        await RefusedAsync(bare, "meter/rebuild", 403, "X-ActorStreams: operate");
        Assert.Equal(["meter@1 active", "total@1 active"], (await BuildsAsync(http)).Select(Words));
    }

    private static HostedSilo NewSilo(params string[] settings) => NewSilo(() => true, settings);

    private static HostedSilo NewSilo(Func<bool> hasTotal, params string[] settings) => new()
    {
        Define = topology =>
        {
            topology.AddEntity<Meter>(meter => meter.WithPartitions(2));
            if (hasTotal())
                topology.AddView<Total>();
        },
        Settings = ["--Streams:KeeperIntervalSeconds", "0.3", "--Streams:CheckpointIntervalSeconds", "0.1", .. settings],
    };

    private static async Task<HttpClient> StartAsync(HostedSilo silo)
    {
        await silo.StartAsync();
        var http = new HttpClient { BaseAddress = silo.Url };
        http.DefaultRequestHeaders.Add("X-ActorStreams", "operate");
        await UntilAsync(async () => (await http.GetAsync(new Uri("health/ready", UriKind.Relative))).IsSuccessStatusCode, "ready");
        return http;
    }

    private static async Task<ActorStreamsClient> FillAsync(HostedSilo silo)
    {
        var client = await silo.ConnectAsync(overOrleans: false);
        await client.AppendAsync(
            "meter", Enumerable.Range(0, 100).Select(i => new AppendRecord { Key = $"m{i % 10}", Value = new Read(i) }));
        await UntilAsync(async () => (await client.GetAsync<Total>("total", "all"))?.State == new Total(10, 100), "the total");
        return client;
    }

    private static async Task<IReadOnlyList<BuildInfo>> BuildsAsync(HttpClient http) =>
        (await http.GetFromJsonAsync<BuildInfo[]>("api/builds", JsonSerializerOptions.Web))!;

    private static async Task<IReadOnlyList<BuildInfo>> UntilAsync(HttpClient http, string words)
    {
        IReadOnlyList<BuildInfo> builds = [];
        await UntilAsync(
            async () =>
            {
                var now = (builds = await BuildsAsync(http)).Select(Words).ToList();
                return words.Split(", ").All(now.Contains);
            },
            words);
        return builds;
    }

    private static async Task ChangesAsync(HttpClient http, string path)
    {
        using var answer = await http.PostAsync(new Uri($"api/builds/{path}", UriKind.Relative), null);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static async Task RefusedAsync(HttpClient http, string path, int status, string words)
    {
        using var answer = await http.PostAsync(new Uri($"api/builds/{path}", UriKind.Relative), null);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Contains(
            words, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static string Words(BuildInfo build) => $"{build.Dataset}@{build.Build} {Protocol.Words.Of(build.Status)}";

    private static string Total(JsonElement answer) =>
        $"{answer.GetProperty("state").GetProperty("meters")} {answer.GetProperty("state").GetProperty("readings")}";
}
