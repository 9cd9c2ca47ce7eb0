using System.Net;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class DatasetAccessTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    [Fact]
    public async Task A_token_for_one_dataset_reads_watches_and_lists_no_other()
    {
        var all = With(TestIssuer.AllScopes);
        await all.AppendAsync(OrderRequests.Placed("d1", "ann", 5));
        var http = With("streams.read streams.watch streams.append", new[] { "spend" });
        Assert.Equal(HttpStatusCode.OK, await http.StatusAsync("api/views/spend"));
        foreach (var path in new[]
        {
            "api/entities/order/d1", "api/entities/order", "api/entities/order?key=d1", "api/Entities/order/d1",
            "api/entities/order/d1?watch=true", "api/datasets/order/partitions",
            "api/topics/shop.orders/records", "api/topics/shop.orders/records?follow=true",
            "api/topics/actorstreams.spend.b1.input/records", "api/topics/actorstreams.dead-letters/records",
            "api/entities/%6Frder/d1", "api/entities/no-such", "api/topics/no-such/records",
        })
        {
            var answer = await http.AskAsync(path);
            Assert.True(answer.Status == HttpStatusCode.Forbidden, $"{path}: {answer.Status} {answer.Body}");
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await http.AppendAsync(OrderRequests.Placed("d2", "ann", 5))).Status);
        Assert.Equal(
            ["spend"], (await http.AskAsync("api/datasets")).Json.EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        Assert.Empty((await http.AskAsync("api/topics")).Json.EnumerateArray());
        var lineage = (await http.AskAsync("api/lineage")).Body;
        Assert.DoesNotContain("order", lineage, StringComparison.Ordinal);
        Assert.Contains("spend", lineage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Patterns_name_datasets_and_topics_and_nothing_named_is_nothing_allowed()
    {
        async Task<(HttpStatusCode Entity, HttpStatusCode View, HttpStatusCode Append)> SeesAsync(object datasets)
        {
            var http = With("streams.read streams.append", datasets);
            return (await http.StatusAsync("api/entities/order"), await http.StatusAsync("api/views/spend"),
                (await http.AppendAsync(OrderRequests.Placed("p1", "ann", 1))).Status);
        }

        var (yes, no) = (HttpStatusCode.OK, HttpStatusCode.Forbidden);
        Assert.Equal((yes, no, yes), await SeesAsync(new[] { "ord*" }));
        Assert.Equal((no, no, yes), await SeesAsync(new[] { "shop.*" }));
        Assert.Equal((yes, yes, yes), await SeesAsync(new[] { "order", "spend" }));
        Assert.Equal((yes, yes, yes), await SeesAsync("order spend"));
        Assert.Equal((yes, yes, yes), await SeesAsync(new[] { "*" }));
        Assert.Equal((no, no, no), await SeesAsync(Array.Empty<string>()));
        Assert.Equal((no, no, no), await SeesAsync(""));
        Assert.Equal((no, no, no), await SeesAsync(new[] { "Order", "orde", "rder", "order.", "[o]rder" }));
    }

    [Fact]
    public async Task An_operator_s_token_that_is_for_some_datasets_operates_nothing()
    {
        var http = With(TestIssuer.AllScopes, new[] { "order" });
        Assert.Equal(HttpStatusCode.Forbidden, await http.StatusAsync("dashboard/DashboardCounters"));
        Assert.Equal(HttpStatusCode.Forbidden, await http.StatusAsync("api/dead-letters"));
        Assert.Equal(HttpStatusCode.OK, await http.StatusAsync("api/entities/order"));
    }
}
