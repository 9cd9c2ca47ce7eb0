using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>Nobody who waits holds up a silo that stops.</summary>
[Collection(BesideOthersCollection.Name)]
public sealed class StoppingTests : EndToEndTest
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task A_wait_for_a_position_and_a_half_sent_body_end_when_the_silo_stops()
    {
        var silo = await StartSiloAsync();
        await silo.PostAsync("shop.orders", """{"key":"o","value":{"type":"placed","customer":"c","total":1}}""");
        await silo.CaughtUpAsync("shop.orders");
        using var half = new TcpClient(silo.Url.Host, silo.Url.Port);
        await half.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /api/topics/shop.orders/records HTTP/1.1\r\nHost: {silo.Url.Authority}\r\nContent-Type: application/x-ndjson\r\n"
            + "Content-Length: 1000\r\n\r\n{"));
        var end = (await silo.GetAsync("api/topics")).Json.EnumerateArray()
            .First(topic => topic.GetProperty("topic").GetString() == "shop.orders")
            .GetProperty("partitions")[0].GetProperty("end").GetInt64();
        var wait = silo.GetAsync($"api/views/spend/c?atLeast=shop.orders/0:{end}&timeoutSeconds=60");
        await Task.Delay(500);
        Assert.False(wait.IsCompleted);

        var started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await silo.StopAsync());
        Assert.True(Stopwatch.GetElapsedTime(started) < Soon, $"The silo took {Stopwatch.GetElapsedTime(started)} to stop.");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await wait).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET /api/data")]
    [InlineData("GET /api/datasets HTTP/1.1\r\nHost: somewh")]
    public async Task A_half_sent_request_head_does_not_hold_up_the_stop(string sent)
    {
        var silo = await StartSiloAsync();
        using var half = new TcpClient(silo.Url.Host, silo.Url.Port);
        await half.GetStream().WriteAsync(Encoding.ASCII.GetBytes(sent));
        await silo.GetAsync("api/datasets"); // the server has accepted the connection before

        var started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await silo.StopAsync());
        Assert.True(Stopwatch.GetElapsedTime(started) < AtOnce, $"The silo took {Stopwatch.GetElapsedTime(started)} to stop.");
    }
}
