using System.Net;
using System.Text;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class IdempotencyScopeTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    [Fact]
    public async Task A_caller_s_key_meets_no_other_caller_s()
    {
        var (ann, bob) = (With("streams.append", subject: "ann"), With("streams.append", subject: "bob"));
        Assert.Equal((HttpStatusCode.OK, false), await SendAsync(ann, "a"));
        Assert.Equal((HttpStatusCode.OK, false), await SendAsync(bob, "b"));
        Assert.Equal((HttpStatusCode.OK, true), await SendAsync(ann, "a"));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, false), await SendAsync(ann, "b"));
        Assert.Equal((HttpStatusCode.OK, true), await SendAsync(With("streams.append", subject: "ann"), "a"));
        Assert.Equal((HttpStatusCode.Forbidden, false), await SendAsync(With("streams.read", subject: "ann"), "a"));
    }

    private static async Task<(HttpStatusCode Status, bool IsReplayed)> SendAsync(HttpClient http, string customer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("api/topics/shop.orders/records", UriKind.Relative))
        {
            Content = new StringContent(OrderRequests.Placed("scoped", customer, 1), Encoding.UTF8, "application/x-ndjson"),
        };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", "one key");
        using var response = await http.SendAsync(request);
        return (response.StatusCode, response.Headers.Contains("Idempotent-Replayed"));
    }
}
