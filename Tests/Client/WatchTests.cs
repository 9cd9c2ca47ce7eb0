using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Http;

namespace ActorStreams.Tests.Client;

public sealed class WatchTests
{
    private static readonly string[] Ids = ["0:5:0", "0:6:0", "0:6:1", "0:9:0"];
    private static readonly (long Offset, int Index)[] Changes = [(6, 0), (6, 1), (9, 0)];

    [Fact(Timeout = 20_000)]
    public async Task A_watch_whose_connection_breaks_goes_on_after_the_last_event_without_gap_or_repeat()
    {
        await using var silo = await FakeSilo.StartAsync();
        // Each connection repeats the event it is to go on after, sends one more, and is dropped, which may lose what was sent.
        silo.Other = async (context, target) =>
        {
            var since = Array.FindIndex(Ids, id => target.EndsWith($"since={Uri.EscapeDataString(id)}", StringComparison.Ordinal));
            if (since <= 0)
                await StateAsync(context, 5);
            foreach (var (offset, index) in Changes.Skip(Math.Max(0, since - 1)).Take(since < 0 ? 1 : 2))
                await ChangeAsync(context, offset, index);
            await Task.Delay(50, context.RequestAborted);
            context.Abort();
        };
        using var client = silo.Client();

        var events = await client.WatchAsync<int?>("folder", "src", cancellationToken: TestContext.Current.CancellationToken).Take(4)
            .ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["0:5:0", "0:6:0", "0:6:1", "0:9:0"], events.Select(e => e.Id));
        Assert.Equal(
            [WatchEventKind.State, WatchEventKind.Change, WatchEventKind.Change, WatchEventKind.Change], events.Select(e => e.Kind));
        Assert.Equal((5, 6, 61), (events[0].After, events[1].After, events[2].After));
        Assert.Equal(new ChangePlace("t", 0, 6, 1), events[2].Position);
        Assert.Equal("orders/1:2", events[2].Cause!.Root.ToString());
        Assert.EndsWith("?watch=true&since=0%3A6%3A1", silo.Requests[^1]);
    }

    [Fact(Timeout = 20_000)]
    public async Task A_watch_goes_on_with_the_state_of_another_build_whose_positions_are_lower()
    {
        await using var silo = await FakeSilo.StartAsync();
        silo.Other = async (context, target) =>
        {
            if (!target.Contains("since=", StringComparison.Ordinal))
            {
                await SendAsync(context, Event("state", "b1/0:90", 1, 90, 0));
                await SendAsync(context, Event("change", "b1/0:91:0", 1, 91, 1));
            }
            else
            {
                await SendAsync(context, Event("state", "b2/0:5", 2, 5, 1));
                await SendAsync(context, Event("change", "b2/0:6:0", 2, 6, 2));
            }

            await Task.Delay(50, context.RequestAborted);
            context.Abort();
        };
        using var client = silo.Client();

        var events = await client.WatchAsync<int?>("folder", "src", cancellationToken: TestContext.Current.CancellationToken).Take(4)
            .ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal([(1, 0), (1, 1), (2, 1), (2, 2)], events.Select(e => (e.Build, e.After!.Value)));
        Assert.Contains("since=b1%2F0%3A91%3A0", silo.Requests[^1], StringComparison.Ordinal);

        static string Event(string name, string id, int build, long offset, int value) =>
            $"event: {name}\nid: {id}\ndata: " + JsonSerializer.Serialize(new
            {
                dataset = "folder", key = "src", build, state = value, before = value - 1, after = value,
                position = new { topic = "t", partition = 0, offset, index = 0 },
            }) + "\n\n";
    }

    [Fact(Timeout = 20_000)]
    public async Task A_connection_without_a_sign_of_life_is_given_up_and_heartbeats_keep_one_alive()
    {
        await using var silo = await FakeSilo.StartAsync();
        var connections = 0;
        silo.Other = async (context, _) =>
        {
            if (Interlocked.Increment(ref connections) == 1)
            {
                await StateAsync(context, 1);
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }

            for (var i = 0; i < 8; i++)
            {
                await Task.Delay(100, context.RequestAborted);
                await SendAsync(context, ":\n\n");
            }

            await ChangeAsync(context, 2, 0);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        using var client = silo.Client(new() { HeartbeatTimeoutSeconds = 0.5, ReconnectMinMilliseconds = 1 });

        var events = await client.WatchAsync<int?>("file", "a", cancellationToken: TestContext.Current.CancellationToken).Take(2)
            .ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["0:1:0", "0:2:0"], events.Select(e => e.Id));
        Assert.Equal(2, connections);
    }

    [Fact(Timeout = 20_000)]
    public async Task A_watch_outlives_a_silo_that_restarts_and_answers_503_meanwhile()
    {
        await using var silo = await FakeSilo.StartAsync();
        var connections = 0;
        silo.Other = (context, _) => Interlocked.Increment(ref connections) switch
        {
            1 => StateAsync(context, 1),
            < 4 => FakeSilo.ProblemAsync(context, 503, "Starting."),
            _ => ChangeAsync(context, 2, 0),
        };
        using var client = silo.Client();

        Assert.Equal(
            2,
            (await client.WatchAsync<int?>("file", "a", cancellationToken: TestContext.Current.CancellationToken).Take(2)
                .ToListAsync(TestContext.Current.CancellationToken)).Count);
    }

    [Fact(Timeout = 20_000)]
    public async Task A_position_of_the_watch_itself_that_a_silo_refuses_after_a_take_over_is_tried_again()
    {
        await using var silo = await FakeSilo.StartAsync();
        var connections = 0;
        silo.Other = (context, _) => Interlocked.Increment(ref connections) switch
        {
            1 => StateAsync(context, 7),
            2 => FakeSilo.ProblemAsync(context, 400, "0:7 is after the end of the log."),
            3 => SendAsync(context, "event: error\ndata: {\"status\":400,\"detail\":\"0:7 is after the end of the log.\"}\n\n"),
            _ => ChangeAsync(context, 8, 0),
        };
        using var client = silo.Client();

        var events = await client.WatchAsync<int?>("file", "a", cancellationToken: TestContext.Current.CancellationToken).Take(2)
            .ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["0:7:0", "0:8:0"], events.Select(e => e.Id));
    }

    [Fact(Timeout = 20_000)]
    public async Task A_final_error_ends_the_watch_with_its_sentence()
    {
        await using var silo = await FakeSilo.StartAsync();
        silo.Other =
            (context, _) => SendAsync(context, "event: error\ndata: {\"status\":400,\"detail\":\"0:99 is after the end of the log.\"}\n\n");
        using var client = silo.Client();

        var error = await Assert.ThrowsAsync<ActorStreamsException>(async () => await client.WatchAsync<int?>(
            "file", "a", "0:99", TestContext.Current.CancellationToken).FirstAsync(TestContext.Current.CancellationToken));

        Assert.Equal("0:99 is after the end of the log.", error.Message);
    }

    private static Task StateAsync(HttpContext context, long offset) =>
        SendAsync(
            context, $"event: state\nid: 0:{offset}:0\ndata: {JsonSerializer.Serialize(FakeSilo.State("x", "k", offset, offset))}\n\n");

    private static Task ChangeAsync(HttpContext context, long offset, int index)
    {
        var after = index == 0 ? offset : (offset * 10) + index;
        var root = new { topic = "orders", partition = 1, offset = 2 };
        var data = JsonSerializer.Serialize(new { key = "k", before = 0, after, position = new
        {
            topic = "t", partition = 0, offset, index,
        }, cause = new { trigger = root, root }, time = DateTimeOffset.UnixEpoch });
        return SendAsync(context, $"event: change\nid: 0:{offset}:{index}\ndata: {data}\n\n");
    }

    private static async Task SendAsync(HttpContext context, string text)
    {
        await context.Response.WriteAsync(text);
        await context.Response.Body.FlushAsync();
    }
}
