using System.Net;
using System.Text;
using static ActorStreams.Tests.EndToEnd.OrderRequests;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>The header Idempotency-Key over HTTP, on the embedded log.</summary>
public sealed class IdempotencyTests(SharedSilo shared) : SharedSiloTest(shared)
{
    [Fact]
    public async Task The_same_body_twice_is_appended_once_and_answered_twice_with_the_same_bytes()
    {
        var (key, record) = (NewKey(), NewKey());
        string[] lines = [Placed(record, "c", 1), Placed(record + "-2", "c", 2)];
        var (first, isFirstReplayed) = await SendAsync(Silo, key, lines);
        var (second, isSecondReplayed) = await SendAsync(Silo, $"\"{key}\"", lines);
        Assert.Equal((HttpStatusCode.OK, false, true), (first.Status, isFirstReplayed, isSecondReplayed));
        Assert.Equal(2, first.Lines.Length);
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(1, await CountAsync(Silo, record));
        var (third, isThirdReplayed) = await SendAsync(Silo, NewKey(), lines);
        Assert.Equal((HttpStatusCode.OK, false), (third.Status, isThirdReplayed));
        Assert.Equal(2, await CountAsync(Silo, record));
    }

    [Fact]
    public async Task Of_many_requests_at_once_one_appends_and_the_others_are_told_to_come_again_or_where_it_is()
    {
        var (key, record) = (NewKey(), NewKey());
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => SendAsync(Silo, key, Placed(record, "c", 1))));
        Assert.All(answers, answer => Assert.True(answer.Answer.Status is HttpStatusCode.OK or HttpStatusCode.Conflict));
        Assert.Single(answers, answer => answer is { Answer.Status: HttpStatusCode.OK, IsReplayed: false });
        Assert.Equal(1, await CountAsync(Silo, record));
    }

    [Fact]
    public async Task A_key_for_another_body_is_refused_and_so_is_one_that_is_none()
    {
        var (key, record) = (NewKey(), NewKey());
        await SendAsync(Silo, key, Placed(record, "c", 1));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await SendAsync(Silo, key, Placed(record, "c", 2))).Answer.Status);
        foreach (var bad in new[] { "\"unended", new string('k', 256), "\"\"" })
            Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(Silo, bad, Placed(record, "c", 1))).Answer.Status);
        Assert.Equal(1, await CountAsync(Silo, record));
    }

    [Fact]
    public async Task A_bad_line_takes_no_key_and_a_body_that_streams_is_refused_as_a_whole()
    {
        var (key, record) = (NewKey(), NewKey());
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(Silo, key, Placed(record, "c", 1), "{")).Answer.Status);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(Silo, key, Placed(record, "c", 1))).Answer.Status);
        var (refused, _) = await SendAsync(Silo, NewKey(), [.. Enumerable.Range(0, 1_001).Select(i => Placed(record, "c", i))]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.Status);
        Assert.Contains("1,000 lines", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(1, await CountAsync(Silo, record));
    }

    internal static async Task<(Answer Answer, bool IsReplayed)> SendAsync(SiloProcess silo, string key, params string[] lines)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"api/topics/{Orders}/records", UriKind.Relative))
        {
            Content = new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/x-ndjson"),
        };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        using var response = await silo.Http.SendAsync(request);
        Assert.Equal(response.StatusCode == HttpStatusCode.Conflict, response.Headers.RetryAfter is not null);
        return (new(response.StatusCode, await response.Content.ReadAsStringAsync()), response.Headers.Contains("Idempotent-Replayed"));
    }

    /// <summary>How many records of the topic have a key.</summary>
    internal static async Task<int> CountAsync(SiloProcess silo, string record) =>
        (await silo.GetAsync($"api/topics/{Orders}/records?limit=1000000")).Lines
            .Count(line => line.GetProperty("key").GetString() == record);
}

/// <summary>The same while the silo is killed over and over: every append is sent until it is answered.</summary>
public sealed class IdempotencyCrashTests : EndToEndTest
{
    private static readonly int Kills = Number("KILLS", 4);

    [Fact]
    public async Task Each_append_is_one_record_however_often_it_is_sent_to_a_silo_that_is_killed()
    {
        var random = NewRandom();
        var silo = NewSilo();
        await silo.StartAsync();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            var (sent, resent) = (0, 0);
            for (; !stop.IsCancellationRequested; sent++)
            {
                string[] lines = [.. Enumerable.Range(0, 3).Select(i => Placed($"w{writer}-{sent}-{i}", "c", 1))];
                while (await TrySendAsync(silo, $"w{writer}-{sent}", lines) is not true)
                    resent++;
            }

            return (Sent: sent, Resent: resent);
        })).ToList();
        for (var kill = 0; kill < Kills; kill++)
        {
            await Task.Delay(random.Next(300, 1_500));
            await silo.KillAsync();
            await silo.StartAsync();
        }

        await stop.CancelAsync();
        var counts = await Task.WhenAll(writers);
        var keys = (await silo.GetAsync($"api/topics/{Orders}/records?limit=1000000")).Lines
            .Select(line => line.GetProperty("key").GetString()!).ToList();
        Print($"{Kills} kills, {counts.Sum(c => c.Sent):N0} appends of 3 records, sent again {counts.Sum(c => c.Resent):N0} times");
        Assert.DoesNotContain(keys.CountBy(key => key), key => key.Value > 1);
        Assert.Equal(counts.Sum(c => c.Sent) * 3, keys.Count);
    }

    private static async Task<bool> TrySendAsync(SiloProcess silo, string key, string[] lines)
    {
        try
        {
            if ((await IdempotencyTests.SendAsync(silo, key, lines)).Answer.Status == HttpStatusCode.OK)
                return true;
        }
        catch (HttpRequestException)
        {
        }

        await Task.Delay(10);
        return false;
    }
}
