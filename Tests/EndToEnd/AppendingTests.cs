using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ActorStreams.Samples.Shop;
using static ActorStreams.Tests.EndToEnd.OrderRequests;

namespace ActorStreams.Tests.EndToEnd;

public sealed class AppendingTests(SharedSilo shared) : SharedSiloTest(shared)
{
    private const string DeadLetters = "actorstreams.dead-letters";

    [Fact]
    public async Task A_short_body_with_bad_lines_is_refused_as_a_whole_with_their_numbers()
    {
        var (key, before) = (NewKey(), await EndsAsync());
        var answer = await Silo.PostAsync(
            Orders, Placed(key, "c", 1), "nonsense", """{"value":1}""", """{"key":"k"}""", $$"""{"key":"{{key}}","value":null,"extra":1}""",
            """{"key":7,"value":1}""",
            """{"key":"k","value":1,"timestamp":"soon"}""", """{"key":"k","value":{"a":}}""", """{"key":"\ud800","value":1}""",
            Placed(key, "c", 2));

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal(
            [2, 3, 4, 5, 6, 7, 8, 9],
            answer.Json.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("line").GetInt32()));
        Assert.All(answer.Json.GetProperty("errors").EnumerateArray(), error => Assert.EndsWith(
            ".", error.GetProperty("error").GetString(), StringComparison.Ordinal));
        Assert.Contains("no key", answer.Json.GetProperty("errors")[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, await EndsAsync());
    }

    [Fact]
    public async Task One_record_may_come_as_JSON_and_what_is_neither_is_told_so()
    {
        var key = NewKey();
        Assert.Equal(
            HttpStatusCode.OK,
            (await Silo.PostAsync(Orders, new StringContent(Placed(key, "c", 1), Encoding.UTF8, "application/json"))).Status);
        var refused = await Silo.PostAsync(Orders, new StringContent(Placed(key, "c", 1), Encoding.UTF8, "text/plain"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, refused.Status);
        Assert.Equal(415, refused.Json.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task A_body_of_a_thousand_lines_is_still_a_short_one()
    {
        var (key, before) = (NewKey(), await EndsAsync());
        var answer = await Silo.PostAsync(Orders, Enumerable.Range(1, 1_000).Select(i => i == 900 ? "nonsense" : Placed(key, "c", i)));
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal(900, Assert.Single(answer.Json.GetProperty("errors").EnumerateArray()).GetProperty("line").GetInt32());
        Assert.Equal(before, await EndsAsync());
    }

    [Fact]
    public async Task Bad_lines_in_a_long_body_are_answered_in_their_place_and_the_others_are_appended()
    {
        var (key, bad) = (NewKey(), new HashSet<int> { 1, 1_000, 1_001, 1_500, 3_200, 5_000 });
        var answer = await Silo.PostAsync(
            Orders, Enumerable.Range(1, 5_000).Select(i => bad.Contains(i) ? "{" : Placed($"{key}-{i}", "c", i)));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(5_000, answer.Lines.Length);
        foreach (var (index, line) in answer.Lines.Index())
            Assert.Equal(bad.Contains(index + 1) ? index + 1 : 0, line.TryGetProperty("line", out var number) ? number.GetInt32() : 0);
        await Silo.CaughtUpAsync(Orders);
        Assert.Equal(5_000 - bad.Count, (await Silo.AllAsync("order", key)).Count);
    }

    [Fact]
    public async Task Answers_come_while_the_body_is_still_being_sent()
    {
        using var connection = new TcpClient(Silo.Url.Host, Silo.Url.Port);
        await using var stream = connection.GetStream();
        using var reader = new StreamReader(stream);
        await SendAsync(
            stream,
            $"POST /api/topics/{Orders}/records HTTP/1.1\r\nHost: {Silo.Url.Authority}\r\nContent-Type: application/x-ndjson\r\n"
            + "Transfer-Encoding: chunked\r\nConnection: "
            + "close\r\n\r\n");
        var key = NewKey();
        await SendChunkAsync(stream, string.Concat(Enumerable.Range(0, 1_500).Select(i => Placed(key, "c", i) + "\n")));
        Assert.Contains("200", await reader.ReadLineAsync(), StringComparison.Ordinal);
        for (var positions = 0; positions < 1_000;)
            positions += (await reader.ReadLineAsync())!.Contains("\"offset\"", StringComparison.Ordinal) ? 1 : 0;

        await SendChunkAsync(stream, Placed(key, "c", 1_500) + "\n");
        await SendAsync(stream, "0\r\n\r\n");
        var rest = await reader.ReadToEndAsync();
        Assert.Equal(501, rest.Split("\"offset\"").Length - 1);
    }

    [Fact]
    public async Task A_value_of_another_type_is_set_aside_with_its_reason_and_the_others_are_folded()
    {
        var (key, customer) = (NewKey(), NewKey("customer"));
        var bad = $$"""{"type":"placed","customer":7,"total":"{{key}}"}""";
        var positions = (await Silo.PostAsync(
            Orders, Placed(key, customer, 1), Line(key, bad), Line(key, "\"text\""), Line(key, """{"type":"lost"}"""),
            Placed(key + "-2", customer, 2))).Lines;
        await Silo.CaughtUpAsync(Orders);

        Assert.Equal(new Order(customer, 1), (await Silo.Client.GetAsync<Order>("order", key))!.State);
        Assert.Equal(new Spend(2, 3), (await Silo.Client.GetAsync<Spend>("spend", customer))!.State);
        var letters = (await Silo.GetAsync($"api/topics/{DeadLetters}/records?limit=1000000")).Lines
            .Select(line => line.GetProperty("value"))
            .Where(letter => letter.GetProperty("key").GetString() == key).ToList();
        Assert.Equal(
            positions[1..4].Select(p => $"{Orders}/{p.GetProperty("partition")}:{p.GetProperty("offset")}"),
            letters.Select(letter => letter.GetProperty("position").GetString()));
        Assert.Equal([bad, "\"text\"", """{"type":"lost"}"""], letters.Select(letter => letter.GetProperty("value").GetString()));
        Assert.All(letters, letter => Assert.Contains("OrderEvent", letter.GetProperty("reason").GetString(), StringComparison.Ordinal));
        Assert.All(letters, letter => Assert.Equal("order", letter.GetProperty("dataset").GetString()));
    }

    [Fact]
    public async Task A_record_near_the_bound_is_taken_and_one_of_20_MB_is_refused_with_the_bound()
    {
        var key = NewKey();
        Assert.Equal(HttpStatusCode.OK, (await Silo.PostAsync(Orders, Placed(key, new string('x', 999_000), 1))).Status);
        var answer = await Silo.PostAsync(Orders, Placed(key, new string('x', 20 << 20), 1));
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("1000000", answer.Detail, StringComparison.Ordinal);
        var among = await Silo.PostAsync(
            Orders, [.. Enumerable.Range(0, 1_200).Select(i => Placed($"{key}-{i}", "c", i)), Placed(
                key, new string('x', 20 << 20), 1), Placed($"{key}-last", "c", 1)]);
        Assert.Equal(HttpStatusCode.OK, among.Status);
        Assert.Equal(1_201, among.Lines.Single(line => line.TryGetProperty("error", out _)).GetProperty("line").GetInt32());
        Assert.Equal(1_202, among.Lines.Length);
    }

    [Fact]
    public async Task A_line_that_never_ends_is_passed_over_without_being_kept()
    {
        var before = Memory();
        var answer = await Silo.PostAsync(Orders, new EndlessLine(300 << 20) { Headers = { ContentType = new("application/x-ndjson") } });
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Print($"300 MB in one line: the silo went from {before} MB to {Memory()} MB");
        Assert.True(Memory() < before + 150, $"The silo went from {before} MB to {Memory()} MB.");
        Assert.Equal(HttpStatusCode.OK, (await Silo.PostAsync(Orders, Placed(NewKey(), "c", 1))).Status);
    }

    [Theory]
    [InlineData("actorstreams.spend.b1.input", HttpStatusCode.BadRequest, "written by the system")]
    [InlineData(DeadLetters, HttpStatusCode.BadRequest, "written by the system")]
    [InlineData("nothing", HttpStatusCode.NotFound, "shop.orders")]
    [InlineData("no%20topic", HttpStatusCode.NotFound, "'no topic'")]
    public async Task Appends_go_to_source_topics_only(string topic, HttpStatusCode status, string says)
    {
        var answer = await Silo.PostAsync(topic, Placed("k", "c", 1));
        Assert.Equal(status, answer.Status);
        Assert.Contains(says, answer.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("api/entities/nothing/k", 404, "'nothing'")]
    [InlineData("api/entities/spend/k", 404, "/api/views/spend")]
    [InlineData("api/views/nothing", 404, "'nothing'")]
    [InlineData("api/topics/nothing/records", 404, "'nothing'")]
    [InlineData("api/topics/shop.orders/records?partition=99", 404, "99")]
    [InlineData("api/topics/shop.orders/records?partition=-1", 404, "-1")]
    [InlineData("api/topics/shop.orders/records?partition=0&from=999999999", 400, "999999999")]
    [InlineData("api/topics/shop.orders/records?from=x", 400, "from")]
    [InlineData("api/topics/shop.orders/records?limit=0", 400, "limit")]
    [InlineData("api/entities/order/k?atLeast=x", 400, "'x'")]
    [InlineData("api/entities/order/k?atLeast=0:-1", 400, "0:-1")]
    [InlineData("api/entities/order/k?atLeast=99:0", 400, "99")]
    [InlineData("api/entities/order/k?atLeast=git.changes/0:1", 400, "git.changes")]
    [InlineData("api/views/spend/k?atLeast=shop.orders/99:0", 400, "99")]
    [InlineData("api/entities/order/k?timeoutSeconds=-1", 400, "timeoutSeconds")]
    [InlineData("api/entities/order/k?timeoutSeconds=soon", 400, "timeoutSeconds")]
    [InlineData("api/entities/order/k?timeoutSeconds=1000000", 400, "timeoutSeconds")]
    [InlineData("api/entities/order/k?watch=perhaps", 400, "watch")]
    [InlineData("api/entities/order?limit=0", 400, "limit")]
    [InlineData("api/entities/order?limit=1000000", 400, "limit")]
    [InlineData("api/entities/order?limit=many", 400, "limit")]
    public async Task A_request_that_makes_no_sense_is_refused_with_a_sentence(string path, int status, string says)
    {
        var answer = await Silo.GetAsync(path);
        Assert.True((int)answer.Status == status && answer.Body.Length > 0, $"{answer.Status} {answer.Body}");
        Assert.Contains(says, answer.Detail, StringComparison.Ordinal);
        Assert.Equal(status, answer.Json.GetProperty("status").GetInt32());
    }

    private static string Line(string key, string value) => $"{{\"key\":\"{key}\",\"value\":{value}}}";

    private long Memory()
    {
        using var process = Process.GetProcessById(Silo.ProcessId);
        return process.WorkingSet64 >> 20;
    }

    private async Task<string> EndsAsync() =>
        string.Join(
            ' ', (await Silo.Client.TopicsAsync()).Single(topic => topic.Topic == Orders).Partitions.Select(partition => partition.End));

    private static Task SendAsync(NetworkStream stream, string text) => stream.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();

    private static Task SendChunkAsync(NetworkStream stream, string text) =>
        SendAsync(stream, $"{Encoding.UTF8.GetByteCount(text):x}\r\n{text}\r\n");

    /// <summary>A body of one line, made as it is sent.</summary>
    private sealed class EndlessLine(long bytes) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var piece = new byte[1 << 16];
            Array.Fill(piece, (byte)'x');
            await stream.WriteAsync(Encoding.UTF8.GetBytes("""{"key":"k","value":" """));
            for (var left = bytes; left > 0; left -= piece.Length)
                await stream.WriteAsync(piece);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
