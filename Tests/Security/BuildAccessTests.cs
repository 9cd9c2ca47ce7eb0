using System.Net;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

/// <summary>Readers see the builds of their datasets, operators alone change them, and every change is written down.</summary>
[Collection(BesideOthersCollection.Name)]
public sealed class BuildAccessTests : EndToEndTest
{
    private static readonly string[] Changes =
        ["cutover", "order/cutover", "order/rollback", "order/rebuild", "order/9/retire"];

    [Fact]
    public async Task Readers_list_the_builds_of_their_datasets_and_change_none()
    {
        await using var silo = new SecureSilo();
        await silo.StartAsync();
        var reader = silo.Http(silo.Issuer.Token("streams.read", subject: "rudi"));
        Assert.Equal(["order", "spend"], await DatasetsAsync(reader));
        Assert.Equal(["spend"], await DatasetsAsync(silo.Http(silo.Issuer.Token("streams.read", datasets: new[] { "spend" }))));
        Assert.Equal(HttpStatusCode.Forbidden, await silo.Http(silo.Issuer.Token("streams.append")).StatusAsync("api/builds"));
        Assert.Equal(HttpStatusCode.Unauthorized, await silo.Http(null).StatusAsync("api/builds"));
        var restricted = silo.Http(silo.Issuer.Token(TestIssuer.AllScopes, datasets: new[] { "order" }));
        foreach (var path in Changes)
        {
            Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(reader, path));
            Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(restricted, path));
            Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(silo.Http(null), path));
        }

        var operate = silo.Http(silo.Issuer.Token(subject: "olga"));
        List<int> answers = [];
        foreach (var path in Changes)
            answers.Add((int)await PostAsync(operate, path));
        Assert.Equal([409, 409, 409, 200, 404], answers);
        var lines = silo.Logs.Of("ActorStreams.Audit");
        Assert.True(
            lines.Any(line => line.StartsWith("olga from", StringComparison.Ordinal)
                && line.Contains("POST /api/builds/order/rebuild: done (200)", StringComparison.Ordinal)),
            string.Join('\n', lines));
        Assert.Contains(lines, line => line.StartsWith("olga from", StringComparison.Ordinal)
            && line.Contains("POST /api/builds/order/rollback: failed (409)", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("rudi from", StringComparison.Ordinal)
            && line.Contains("POST /api/builds/order/9/retire: refused (403)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Builds_are_listed_at_both_ports_and_changed_at_that_of_operators()
    {
        await using var silo = new SecureSilo();
        var port = Ports.Free();
        await silo.StartAsync($"--Silo:OperationsPort={port}");
        var (api, operations) = (silo.Http(silo.Issuer.Token()), silo.Http(silo.Issuer.Token(), new($"https://127.0.0.1:{port}/")));
        Assert.Equal(["order", "spend"], await DatasetsAsync(api));
        Assert.Equal(["order", "spend"], await DatasetsAsync(operations));
        Assert.Equal(HttpStatusCode.OK, await operations.StatusAsync("operations/builds"));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync(api, "order/rebuild"));
        Assert.Equal(HttpStatusCode.OK, await PostAsync(operations, "order/rebuild"));
    }

    private static async Task<IEnumerable<string>> DatasetsAsync(HttpClient http) =>
        (await http.AskAsync("api/builds")).Json.EnumerateArray().Select(build => build.GetProperty("dataset").GetString()!);

    private static async Task<HttpStatusCode> PostAsync(HttpClient http, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"api/builds/{path}");
        request.Headers.Add("X-ActorStreams", "operate");
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }
}
