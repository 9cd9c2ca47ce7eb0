using System.Net;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class AuditTests : EndToEndTest
{
    [Fact]
    public async Task Who_operates_or_is_refused_is_written_down_and_what_they_sent_is_not()
    {
        await using var silo = new SecureSilo();
        await silo.StartAsync();
        var (operator_, reader) =
            (silo.Http(silo.Issuer.Token(subject: "olga\nfake line")), silo.Http(silo.Issuer.Token("streams.read", subject: "rudi")));
        await operator_.StatusAsync("dashboard/GrainState?grainId=secret-key&grainType=x");
        await operator_.StatusAsync("dashboard/DashboardCounters");
        await reader.StatusAsync("dashboard/DashboardCounters");
        using (var body = new StringContent("{\"payload\":\"secret-payload\"}"))
        {
            using var posted = await operator_.PostAsync(new Uri("api/dead-letters/redrive?x=secret-query", UriKind.Relative), body);
            using var again = await reader.PostAsync(new Uri("operations/redrive", UriKind.Relative), null);
            Assert.Equal(HttpStatusCode.Forbidden, again.StatusCode);
        }

        await reader.StatusAsync("api/datasets");
        await silo.Http(null).StatusAsync("operations");
        Assert.Equal(HttpStatusCode.Forbidden, (await reader.AppendAsync(OrderRequests.Placed("secret-key", "ann", 1))).Status);
        await UntilAsync(() => Task.FromResult(silo.Logs.Of("ActorStreams.Audit").Count >= 6), "the audit log");
        var lines = silo.Logs.Of("ActorStreams.Audit");
        Assert.Contains(lines, line => line.Contains("olga?fake line from", StringComparison.Ordinal)
            && line.Contains("GET /dashboard/GrainState", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("rudi from", StringComparison.Ordinal)
            && line.Contains("GET /dashboard/DashboardCounters: refused (403)", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("rudi from", StringComparison.Ordinal)
            && line.Contains("POST /operations/redrive: refused (403)", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("rudi from", StringComparison.Ordinal)
            && line.Contains("POST /api/topics/shop.orders/records: refused (403)", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("(unknown) from", StringComparison.Ordinal)
            && line.Contains("GET /operations: refused (401)", StringComparison.Ordinal));
        Assert.DoesNotContain(
            lines, line => line.Contains("secret", StringComparison.Ordinal) || line.Contains("/api/datasets", StringComparison.Ordinal));

        // A dashboard asks every second.
        for (var i = 0; i < 20; i++)
            await operator_.StatusAsync("dashboard/DashboardCounters");
        Assert.True(silo.Logs.Of("ActorStreams.Audit").Count <= lines.Count + 1, string.Join('\n', silo.Logs.Of("ActorStreams.Audit")));
    }

    [Fact]
    public async Task A_rebuild_is_written_down()
    {
        var silo = NewSilo();
        await silo.StartAsync("--rebuild");
        Assert.Contains(silo.Output.Split('\n'), line => line.Contains("start rebuild: done", StringComparison.Ordinal));
    }
}
