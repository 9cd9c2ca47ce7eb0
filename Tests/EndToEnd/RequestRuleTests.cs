using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>What every request keeps to, beside what it asks for.</summary>
[Collection(BesideOthersCollection.Name)]
public sealed class RequestRuleTests(SharedSilo shared) : SharedSiloTest(shared)
{
    private const string Orders = "shop.orders";

    [Theory]
    [InlineData("api/datasets")]
    [InlineData("health/ready")]
    [InlineData("api/entities/order?limit=1")]
    public async Task HEAD_answers_as_GET_does_without_a_body(string path)
    {
        using var get = await Silo.Http.GetAsync(Silo.Raw(path));
        using var request = new HttpRequestMessage(HttpMethod.Head, Silo.Raw(path));
        using var head = await Silo.Http.SendAsync(request);
        Assert.Equal((get.StatusCode, get.Content.Headers.ContentType), (head.StatusCode, head.Content.Headers.ContentType));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_state_that_the_caller_has_already_is_not_sent_again()
    {
        var key = NewKey();
        await Silo.PostAsync(Orders, Placed(key));
        await Silo.CaughtUpAsync(Orders);
        using var first = await Silo.Http.GetAsync(Silo.Raw($"api/entities/order/{key}"));
        var tag = first.Headers.ETag!;
        using var same = await AskAsync(tag);
        Assert.Equal((HttpStatusCode.NotModified, 0), (same.StatusCode, (await same.Content.ReadAsByteArrayAsync()).Length));

        await Silo.PostAsync(Orders, Placed(key));
        await Silo.CaughtUpAsync(Orders);
        using var changed = await AskAsync(tag);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.NotEqual(tag, changed.Headers.ETag);

        async Task<HttpResponseMessage> AskAsync(EntityTagHeaderValue known)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Silo.Raw($"api/entities/order/{key}"));
            request.Headers.IfNoneMatch.Add(known);
            return await Silo.Http.SendAsync(request);
        }
    }

    [Theory]
    [InlineData("Origin", "http://elsewhere.example")]
    [InlineData("Origin", "null")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Host", "elsewhere.example")]
    public async Task A_page_of_another_site_cannot_append(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Silo.Raw($"api/topics/{Orders}/records"))
        {
            Content = new StringContent(Placed(NewKey()), Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation(header, value);
        using var response = await Silo.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task An_append_from_the_silos_own_pages_is_taken_and_one_without_a_content_type_is_not()
    {
        using var own = new HttpRequestMessage(HttpMethod.Post, Silo.Raw($"api/topics/{Orders}/records"))
        {
            Content = new StringContent(Placed(NewKey()), Encoding.UTF8, "application/json"),
        };
        own.Headers.Add("Origin", Silo.Url.GetLeftPart(UriPartial.Authority));
        own.Headers.Add("Sec-Fetch-Site", "same-origin");
        using var taken = await Silo.Http.SendAsync(own);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        using var untyped = await Silo.Http.PostAsync(
            Silo.Raw($"api/topics/{Orders}/records"), new ByteArrayContent(Encoding.UTF8.GetBytes(Placed(NewKey()))));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, untyped.StatusCode);
    }

    [Fact]
    public async Task A_slow_append_is_taken_as_long_as_something_of_it_comes()
    {
        var (lines, key) = (6, NewKey());
        using var content = new SlowLines(lines, i => Placed($"{key}-{i}"), TimeSpan.FromSeconds(1.5));
        var answer = await Silo.PostAsync(Orders, content);
        Assert.Equal((HttpStatusCode.OK, lines), (answer.Status, answer.Lines.Length));
    }

    [Fact]
    public async Task The_description_says_what_every_request_may_be_refused_with_and_that_a_watch_is_an_event_stream()
    {
        var paths = (await Silo.GetAsync("openapi/v1.json")).Json.GetProperty("paths");
        var state = paths.GetProperty("/api/entities/{name}/{key}").GetProperty("get").GetProperty("responses");
        foreach (var status in new[] { "200", "304", "400", "401", "403", "404", "429", "504" })
            Assert.True(state.TryGetProperty(status, out _), status);
        Assert.True(state.GetProperty("200").GetProperty("content").TryGetProperty("text/event-stream", out _));
        var append = paths.GetProperty("/api/topics/{topic}/records").GetProperty("post").GetProperty("responses");
        Assert.True(append.TryGetProperty("415", out _));
    }

    private static string Placed(string key) => $$$"""{"key":"{{{key}}}","value":{"type":"placed","customer":"c","total":1}}""";

    private sealed class SlowLines : HttpContent
    {
        private readonly int _lines;
        private readonly Func<int, string> _line;
        private readonly TimeSpan _pause;

        internal SlowLines(int lines, Func<int, string> line, TimeSpan pause)
        {
            (_lines, _line, _pause) = (lines, line, pause);
            Headers.ContentType = new("application/x-ndjson");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var i = 0; i < _lines; i++)
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(_line(i) + "\n"));
                await stream.FlushAsync();
                await Task.Delay(_pause);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
