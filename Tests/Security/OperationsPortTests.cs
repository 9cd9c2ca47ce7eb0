using System.Net;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class OperationsPortTests : EndToEndTest
{
    [Fact]
    public async Task Operations_are_served_at_their_own_port_alone_whatever_the_host_header_says()
    {
        await using var silo = new SecureSilo();
        var port = Ports.Free();
        await silo.StartAsync($"--Silo:OperationsPort={port}");
        var operations = new Uri($"https://127.0.0.1:{port}/");
        var (api, ops) = (silo.Http(silo.Issuer.Token()), silo.Http(silo.Issuer.Token(), operations));
        Assert.NotEqual(port, silo.Url.Port);
        Assert.Equal(
            (HttpStatusCode.OK, HttpStatusCode.NotFound),
            (await ops.StatusAsync("dashboard/DashboardCounters"), await api.StatusAsync("dashboard/DashboardCounters")));
        Assert.Equal(
            (HttpStatusCode.NotFound, HttpStatusCode.OK), (await ops.StatusAsync("api/datasets"), await api.StatusAsync("api/datasets")));
        foreach (var path in new[] { "metrics", "operations", "api/dead-letters", "DashBoard/DashboardCounters" })
            Assert.Contains("operations port", (await api.AskAsync(path)).Detail, StringComparison.Ordinal);
        api.DefaultRequestHeaders.Host = $"127.0.0.1:{port}";
        Assert.Equal(HttpStatusCode.NotFound, await api.StatusAsync("dashboard/DashboardCounters"));

        foreach (var http in new[] { silo.Http(null), silo.Http(null, operations) })
        {
            Assert.Equal(
                (HttpStatusCode.OK, HttpStatusCode.OK), (await http.StatusAsync("health/live"), await http.StatusAsync("health/ready")));
            foreach (var path in new[] { "dashboard/", "dashboard/Trace", "operations", "metrics", "api/dead-letters", "api/datasets", "" })
                Assert.Equal(HttpStatusCode.Unauthorized, await http.StatusAsync(path));
        }

        Assert.Equal(
            HttpStatusCode.Forbidden,
            await silo.Http(silo.Issuer.Token("streams.read"), operations).StatusAsync("dashboard/DashboardCounters"));
        // The live trace shows what other parts of the process log.
        Assert.Equal(HttpStatusCode.Forbidden, await ops.StatusAsync("dashboard/Trace"));
    }

    [Fact]
    public async Task In_development_the_operations_port_works_without_tokens()
    {
        var port = Ports.Free();
        var silo = await StartSiloAsync($"--Silo:OperationsPort={port}");
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}/") };
        Assert.Equal(HttpStatusCode.OK, await http.StatusAsync("dashboard/DashboardCounters"));
        Assert.Equal(HttpStatusCode.OK, await http.StatusAsync("health/ready"));
        Assert.Equal(HttpStatusCode.NotFound, await http.StatusAsync("api/datasets"));
        Assert.Equal(HttpStatusCode.NotFound, (await silo.GetAsync("dashboard/DashboardCounters")).Status);
        Assert.Equal(HttpStatusCode.OK, (await silo.GetAsync("api/datasets")).Status);
    }
}
