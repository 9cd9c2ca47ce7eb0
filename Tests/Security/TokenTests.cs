using System.Net;
using System.Security.Cryptography;
using System.Text;
using ActorStreams.Tests.EndToEnd;
using Microsoft.IdentityModel.Tokens;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class TokenTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    [Fact]
    public async Task A_token_of_the_issuer_opens_what_its_scopes_say_and_nothing_else()
    {
        Assert.Equal(HttpStatusCode.OK, await With("streams.read").StatusAsync("api/datasets"));
        Assert.Equal(HttpStatusCode.OK, await Silo.Http(Silo.Issuer.Token("streams.read", scopeClaim: "scp")).StatusAsync("api/datasets"));
        Assert.Equal(HttpStatusCode.OK, await With("streams.operate").StatusAsync("dashboard/DashboardCounters"));

        Assert.Equal(HttpStatusCode.Forbidden, await With("").StatusAsync("api/datasets"));
        Assert.Equal(HttpStatusCode.Forbidden, await With("streams.reader STREAMS.READ").StatusAsync("api/datasets"));
        Assert.Equal(
            HttpStatusCode.Forbidden, (await With("streams.read streams.watch").AppendAsync(OrderRequests.Placed("t1", "ann", 1))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, await With("streams.read streams.append").StatusAsync("api/entities/order/t1?watch=true"));
        Assert.Equal(
            HttpStatusCode.Forbidden, await With("streams.read streams.append").StatusAsync("api/topics/shop.orders/records?follow=true"));
        Assert.Equal(HttpStatusCode.Forbidden, await With("streams.append").StatusAsync("api/entities/order/t1"));
        foreach (var path in new[] { "dashboard/", "dashboard/GrainState", "operations", "metrics", "api/dead-letters", "else" })
            Assert.True(await With("streams.read streams.watch streams.append").StatusAsync(path) == HttpStatusCode.Forbidden, path);
        var refused = await With("streams.watch").AskAsync("api/datasets");
        Assert.Contains("streams.read", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letters_are_read_by_those_who_may_and_topics_beyond_the_topology_by_operators_alone()
    {
        const string Letters = "api/topics/actorstreams.dead-letters/records", Others = "api/topics/payroll.salaries/records";
        Assert.Equal(HttpStatusCode.Forbidden, await With("streams.read").StatusAsync(Letters));
        Assert.Equal(HttpStatusCode.OK, await With("streams.read streams.dead-letters").StatusAsync(Letters));
        Assert.Equal(HttpStatusCode.OK, await With("streams.read streams.operate").StatusAsync(Letters));
        Assert.Equal(HttpStatusCode.Forbidden, await With("streams.read").StatusAsync(Others));
        Assert.Equal(HttpStatusCode.NotFound, await With("streams.read streams.operate").StatusAsync(Others));
    }

    [Fact]
    public async Task A_scraper_s_token_opens_metrics_alone()
    {
        var http = With("streams.metrics");
        Assert.NotEqual(HttpStatusCode.Forbidden, await http.StatusAsync("metrics"));
        foreach (var path in new[] { "api/datasets", "dashboard/", "operations", "api/dead-letters" })
            Assert.Equal(HttpStatusCode.Forbidden, await http.StatusAsync(path));
    }

    [Fact]
    public async Task Forged_tokens_are_refused()
    {
        var good = Silo.Issuer.Token();
        using var other = RSA.Create(2048);
        var header = new { alg = "HS256", typ = "JWT", kid = Silo.Issuer.Id };
        var confused = TestIssuer.Forge(header, good);
        var parts = good.Split('.');
        var altered = Base64UrlEncoder.Encode(Base64UrlEncoder.Decode(parts[1]).Replace("tester", "master", StringComparison.Ordinal));
        (string What, string Token)[] forged =
        [
            ("alg none", TestIssuer.Forge(new { alg = "none", typ = "JWT" }, good)),
            ("alg None with a signature", TestIssuer.Forge(new { alg = "None", typ = "JWT" }, good, parts[2])),
            ("no signature", $"{parts[0]}.{parts[1]}."),
            ("other content", $"{parts[0]}.{altered}.{parts[2]}"),
            ("wrong key with the right id",
                Silo.Issuer.Token(signing: new(new RsaSecurityKey(other) { KeyId = Silo.Issuer.Id }, SecurityAlgorithms.RsaSha256))),
            ("wrong key without id", Silo.Issuer.Token(signing: new(new RsaSecurityKey(other), SecurityAlgorithms.RsaSha256))),
            ("public key as a secret",
                confused + Base64UrlEncoder.Encode(
                    HMACSHA256.HashData(Silo.Issuer.PublicKey, Encoding.ASCII.GetBytes(confused.TrimEnd('.'))))),
            ("wrong audience", Silo.Issuer.Token(audience: "another service")),
            ("expired", Silo.Issuer.Token(expires: TimeSpan.FromMinutes(-5))),
            ("never expires", Silo.Issuer.Token(expiresNever: true)),
            ("no token", "abc"),
            ("three dots", "a.b.c"),
            ("huge", new('a', 20_000)),
        ];
        foreach (var (what, token) in forged)
        {
            var answer = await Silo.Http(token).AskAsync("api/datasets");
            Assert.True(answer.Status == HttpStatusCode.Unauthorized, $"{what}: {answer.Status}");
            Assert.DoesNotContain(token, answer.Body, StringComparison.Ordinal);
        }

        Assert.Contains(
            "expired", (await Silo.Http(Silo.Issuer.Token(expires: TimeSpan.FromMinutes(-5))).AskAsync("api/datasets")).Detail,
            StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await Silo.Http(good).StatusAsync("api/datasets"));
    }

    [Fact]
    public async Task A_browser_is_asked_for_a_token_and_its_cookie_is_of_no_use_to_other_sites()
    {
        var browser = Silo.Http(null);
        browser.DefaultRequestHeaders.Add("Accept", "text/html");
        var page = await browser.AskAsync("dashboard/?x=%22%3E%3Cscript%3E");
        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Contains("<form method=\"post\" action=\"/sign-in\">", page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", page.Body, StringComparison.Ordinal);

        var token = Silo.Issuer.Token();
        browser.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        Assert.Equal(HttpStatusCode.Unauthorized, (await SignInAsync(browser, "abc", "/dashboard/")).StatusCode);
        using var signedIn = await SignInAsync(browser, token, "/dashboard/");
        Assert.Equal((HttpStatusCode.Redirect, "/dashboard/"), (signedIn.StatusCode, signedIn.Headers.Location!.OriginalString));
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single();
        Assert.All(
            ["httponly", "secure", "samesite=strict", "path=/"], word => Assert.Contains(word, cookie, StringComparison.OrdinalIgnoreCase));
        using var elsewhere = await SignInAsync(browser, token, "//evil.test/");
        Assert.Equal("/", elsewhere.Headers.Location!.OriginalString);

        var later = Silo.Http(null);
        later.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);
        Assert.Equal(HttpStatusCode.OK, await later.StatusAsync("api/datasets"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await later.AppendAsync(OrderRequests.Placed("csrf", "ann", 1))).Status);
        later.DefaultRequestHeaders.Add("Sec-Fetch-Site", "cross-site");
        Assert.Equal(HttpStatusCode.Unauthorized, (await later.AppendAsync(OrderRequests.Placed("csrf", "ann", 1))).Status);
    }

    private static async Task<HttpResponseMessage> SignInAsync(HttpClient http, string token, string back)
    {
        using var form = new FormUrlEncodedContent([new("token", token), new("back", back)]);
        return await http.PostAsync(new Uri("sign-in", UriKind.Relative), form);
    }
}

[Collection(BesideOthersCollection.Name)]
public sealed class RotatedKeysTests : EndToEndTest
{
    [Fact]
    public async Task Keys_of_the_issuer_are_replaced_without_a_restart_and_the_old_ones_open_nothing_more()
    {
        await using var silo = new SecureSilo();
        await silo.StartAsync();
        var old = silo.Http(silo.Issuer.Token());
        Assert.Equal(HttpStatusCode.OK, await old.StatusAsync("api/datasets"));
        silo.Issuer.Rotate();
        await UntilAsync(async () => await silo.Http(silo.Issuer.Token()).StatusAsync("api/datasets") == HttpStatusCode.OK, "the new key");
        Assert.Equal(HttpStatusCode.Unauthorized, await old.StatusAsync("api/datasets"));
        // Half a file changes nothing.
        await File.WriteAllTextAsync(silo.Issuer.KeysFile, "{\"keys\":[");
        await Task.Delay(500);
        Assert.Equal(HttpStatusCode.OK, await silo.Http(silo.Issuer.Token()).StatusAsync("api/datasets"));
    }
}
