using System.IO.Compression;
using System.Net;
using System.Text;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class LimitsTests : EndToEndTest
{
    [Fact]
    public async Task A_client_that_asks_too_fast_is_told_when_to_come_back_and_others_are_not_slowed()
    {
        await using var silo = new SecureSilo();
        await silo.StartAsync("--Security:Limits:RequestsPerSecond=20");
        var (greedy, other, nobody) =
            (silo.Http(silo.Issuer.Token(subject: "greedy")), silo.Http(silo.Issuer.Token(subject: "other")), silo.Http(null));
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => greedy.GetAsync("api/datasets")));
        var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToList();
        Assert.True(refused.Count >= 20, $"Only {refused.Count} of 100 were refused.");
        Assert.All(refused, answer => Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60));
        Assert.Equal(HttpStatusCode.OK, await other.StatusAsync("api/datasets"));
        // Guessing tokens is asking too.
        var guesses = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => silo.Http($"guess{i}").StatusAsync("api/datasets")));
        Assert.Contains(HttpStatusCode.TooManyRequests, guesses);
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 100)
            .Select(_ => nobody.StatusAsync("health/live"))), status => Assert.Equal(HttpStatusCode.OK, status));
        foreach (var answer in answers)
            answer.Dispose();
    }

    [Fact]
    public async Task Watches_of_one_client_are_bounded_and_free_again_when_they_end()
    {
        await using var silo = new SecureSilo();
        await silo.StartAsync("--Security:Limits:WatchesPerClient=3");
        var greedy = silo.Http(silo.Issuer.Token(subject: "greedy"));
        var open = new List<HttpResponseMessage>();
        await greedy.AppendAsync(OrderRequests.Placed("w0", "ann", 1)); // a follower of an empty topic has no answer yet
        for (var i = 0; i < 2; i++)
            open.Add(await WatchAsync(greedy, $"api/entities/order/w{i}?watch=true"));
        open.Add(await WatchAsync(greedy, "api/topics/shop.orders/records?follow=TRUE"));
        Assert.All(open, watch => Assert.Equal(HttpStatusCode.OK, watch.StatusCode));
        using (var refused = await WatchAsync(silo.Http(silo.Issuer.Token(subject: "greedy")), "api/views/spend/ann?watch=true"))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        Assert.Equal(HttpStatusCode.OK, await greedy.StatusAsync("api/datasets"));
        using (var other = await WatchAsync(silo.Http(silo.Issuer.Token(subject: "other")), "api/views/spend/ann?watch=true"))
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        open[0].Dispose();
        await UntilAsync(async () =>
        {
            using var again = await WatchAsync(greedy, "api/views/spend/ann?watch=true");
            return again.StatusCode == HttpStatusCode.OK;
        }, "a watch that ended frees its place");
        foreach (var watch in open)
            watch.Dispose();
    }

    private static Task<HttpResponseMessage> WatchAsync(HttpClient http, string path) =>
        http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
}

[Collection(BesideOthersCollection.Name)]
public sealed class BodyTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    [Fact]
    public async Task Bodies_that_are_too_large_packed_or_deep_are_refused_and_nothing_of_them_is_kept()
    {
        await using var silo = new SecureSilo();
        await silo.StartAsync(
            "--Security:Limits:MaxAppendBytes=200000", "--Silo:MaxRecordBytes=100000", "--Security:Limits:MaxHeaderBytes=20000");
        var http = silo.Http(silo.Issuer.Token());
        http.DefaultRequestHeaders.ExpectContinue = true; // what is refused is not sent: a refusal ends the connection
        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge, (await http.AppendAsync(OrderRequests.Placed("large", new('x', 300_000), 1))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await http.AppendAsync(OrderRequests.Placed("record", new('x', 150_000), 1))).Status);
        foreach (var (open, close) in new[] { ("[", "]"), ("{\"a\":", "}") })
        {
            var deep = string.Concat(Enumerable.Repeat(open, 10_000)) + "1" + string.Concat(Enumerable.Repeat(close, 10_000));
            var answer = await http.AppendAsync($"{{\"key\":\"deep\",\"value\":{deep}}}");
            Assert.True(answer.Status == HttpStatusCode.BadRequest, answer.Body);
        }

        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            gzip.Write(Encoding.UTF8.GetBytes(new string(' ', 10_000_000)));
        using var bomb = new ByteArrayContent(packed.ToArray()) { Headers = { ContentEncoding = { "gzip" } } };
        using var refused = await http.PostAsync(new Uri(SecureRequests.Orders, UriKind.Relative), bomb);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, refused.StatusCode);

        // A body without a length, that does not end.
        using var endless = new StreamContent(new EndlessStream()) { Headers = { ContentType = new("application/x-ndjson") } };
        using var post = new HttpRequestMessage(HttpMethod.Post, SecureRequests.Orders)
        {
            Content = endless, Headers = { TransferEncodingChunked = true },
        };
        var ended = await Record.ExceptionAsync(async () =>
        {
            using var response = await http.SendAsync(post);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        });
        Assert.True(ended is null or HttpRequestException, $"{ended}");

        http.DefaultRequestHeaders.Add("X-Large", new string('x', 25_000));
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, await http.StatusAsync("api/datasets"));
        var still = silo.Http(silo.Issuer.Token());
        Assert.Empty((await still.AskAsync("api/entities/order")).Json.GetProperty("items").EnumerateArray());
        Assert.Equal(HttpStatusCode.OK, (await still.AppendAsync(OrderRequests.Placed("small", "ann", 1))).Status);
    }

    [Fact]
    public async Task Keys_and_names_that_look_like_SQL_or_paths_are_only_keys_and_names()
    {
        var http = With(TestIssuer.AllScopes);
        string[] keys =
        [
            "'; DROP TABLE states; --", "\" OR 1=1 --", "%' UNION SELECT * FROM sqlite_master --", "..%2f..%2fetc%2fpasswd", "$(reboot)",
            "`id`", "a\u0000b", "\u202Ex", "{{7*7}}", "<script>",
        ];
        foreach (var key in keys)
            Assert.Equal(HttpStatusCode.OK, (await http.AppendAsync(OrderRequests.Placed(key, "c;'\"--", 1))).Status);
        foreach (var key in keys)
        {
            await UntilAsync(
                async () => await http.StatusAsync($"api/entities/order?key={Uri.EscapeDataString(key)}") == HttpStatusCode.OK, key);
            var answer = await http.AskAsync($"api/entities/order?key={Uri.EscapeDataString(key)}");
            Assert.Equal(key, answer.Json.GetProperty("key").GetString());
            Assert.Equal(HttpStatusCode.OK, await http.StatusAsync($"api/entities/order?prefix={Uri.EscapeDataString(key)}"));
            // A path with a null character is none.
            Assert.Equal(
                key.Contains('\0', StringComparison.Ordinal) ? HttpStatusCode.BadRequest : HttpStatusCode.NotFound,
                await http.StatusAsync($"api/entities/{Uri.EscapeDataString(key)}/x"));
        }

        Assert.Equal(
            keys.Length,
            (await http.AskAsync("api/views/spend?key=" + Uri.EscapeDataString("c;'\"--"))).Json.GetProperty("state").GetProperty("orders")
                .GetInt32());
    }

    private sealed class EndlessStream : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => 0;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)' ');
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
