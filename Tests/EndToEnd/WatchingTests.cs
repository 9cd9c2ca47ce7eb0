using System.Diagnostics;
using System.Net;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Samples.GitHistory;
using ActorStreams.Samples.Shop;
using static ActorStreams.Tests.EndToEnd.OrderRequests;

namespace ActorStreams.Tests.EndToEnd;

public sealed class WatchingTests(SharedSilo shared) : SharedSiloTest(shared)
{
    [Fact]
    public async Task Changes_that_are_no_longer_in_memory_are_folded_again_as_they_were_seen()
    {
        var silo = await StartSiloAsync("--Streams:WatchHistoryChanges=4");
        var lines = GitInput.Instance.Lines.Take(3_000).ToList();
        await using SeenChanges
            file = new(silo, "file", MostOften(lines, "path")), author = new(silo, "author", MostOften(lines, "author")),
            extension = new(silo, "extension", ".cs"), board = new(silo, "leaderboard", Leaderboard.Key);
        SeenChanges[] live = [file, author, extension, board];
        await Task.WhenAll(live.Select(watch => watch.Begun));
        await silo.Client.AppendAsync(
            GitInput.Topic, lines.Select(line => new AppendRecord { Key = line.GetProperty("path").GetString()!, Value = line }));
        await silo.CaughtUpAsync(GitInput.Topic);
        foreach (var watch in live)
        {
            await watch.ReachesAsync(
                (await silo.Client.GetAsync<JsonElement>(watch.Dataset, watch.Key))?.State.GetRawText(), TimeSpan.FromSeconds(30));
            watch.CheckChain();
            Assert.True(watch.Changes.Count > 5, $"{watch.Changes.Count} changes of {watch.Dataset} are too few.");
            // One frame holds many changes of a view's key, told apart by their index.
            Assert.Equal(watch != file, watch.Changes.Any(change => !change.Id.EndsWith(":0", StringComparison.Ordinal)));
        }

        await silo.KillAsync();
        await silo.StartAsync();
        foreach (var watch in live)
            await AssertResumesAsync(
                silo, $"api/{(watch == file ? "entities" : "views")}/{watch.Dataset}/{watch.Key}?watch=true", watch.Changes);
    }

    [Fact]
    public async Task A_watch_goes_on_over_orderly_stops_while_others_write()
    {
        var silo = await StartSiloAsync();
        var customer = NewKey("customer");
        await using var watch = new SeenChanges(silo, "spend", customer);
        await watch.Begun;
        for (var life = 0; life < 3; life++)
        {
            await silo.PostAsync(Orders, Enumerable.Range(0, 200).Select(i => Placed($"o{life}-{i}", customer, 1)));
            Assert.Equal(0, await silo.StopAsync());
            await silo.StartAsync();
        }

        await silo.CaughtUpAsync(Orders);
        await watch.ReachesAsync("""{"orders":600,"total":600}""", TimeSpan.FromSeconds(30));
        watch.CheckChain();
        Assert.Equal(600, watch.Changes.Count);
    }

    [Fact]
    public async Task A_watch_that_is_to_go_on_after_the_end_of_the_log_ends_with_an_error()
    {
        var key = NewKey();
        var at = await Silo.PlaceAsync(key, "c", 1);
        var events = await Silo.EventsAsync(
            $"api/entities/order/{key}?watch=true&since={at.Partition}:{at.Offset + 1_000_000}").ToListAsync();
        Assert.Equal("error", Assert.Single(events).EventType);
        Assert.Contains("ends at", JsonElement.Parse(events[0].Data).GetProperty("detail").GetString(), StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<ActorStreamsException>(
            async () => await Silo.Client.WatchAsync<Order>("order", key, $"{at.Partition}:{at.Offset + 1_000_000}").FirstAsync());
        Assert.Equal(HttpStatusCode.BadRequest, error.Status);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("0")]
    [InlineData("0:-2")]
    [InlineData("0:1:2:3")]
    [InlineData("99:0")]
    public async Task A_since_that_is_no_place_is_refused_with_a_sentence(string since)
    {
        var answer = await Silo.GetAsync($"api/entities/order/{NewKey()}?watch=true&since={since}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains(since, answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_of_a_key_that_does_not_exist_begins_with_nothing_and_sees_it_come()
    {
        var key = NewKey();
        await using var watch = Silo.EventsAsync($"api/entities/order/{key}?watch=true").GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(
            ("state", JsonValueKind.Null), (watch.Current.EventType, JsonElement.Parse(watch.Current.Data).GetProperty("state").ValueKind));
        var at = await Silo.PlaceAsync(key, "c", 3);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(new($"b1/{at.Partition}:{at.Offset}:0", null, """{"customer":"c","total":3}"""), SeenChange.Of(watch.Current));
    }

    [Fact]
    public async Task Readers_that_stall_in_the_midst_of_old_changes_hold_up_nobody_else()
    {
        var silo = await StartSiloAsync("--Streams:WatchHistoryChanges=4");
        var (customer, count) = (NewKey("customer") + new string('x', 900), 5_000);
        await silo.PostAsync(Orders, Enumerable.Range(0, count).Select(i => Placed($"o{i}", customer, 1)));
        await silo.CaughtUpAsync(Orders);
        var path = $"api/entities/order/{NewKey()}?watch=true";
        var since = $"api/views/spend/{customer}?watch=true&since={Partitioner.PartitionOf(customer, 4)}:-1";
        var stalled = Enumerable.Range(0, 4).Select(_ => silo.EventsAsync(since).GetAsyncEnumerator()).ToList();
        foreach (var reader in stalled)
            Assert.True(await reader.MoveNextAsync());

        Assert.Equal(count, (await TakeAsync(silo, since, count)).Count);
        Assert.Equal("state", (await silo.EventsAsync(path).FirstAsync()).EventType);

        // And those that stalled find all of it when they go on.
        foreach (var reader in stalled)
        {
            for (var i = 1; i < count; i++)
                Assert.True(await reader.MoveNextAsync());
            Assert.Equal(count, JsonElement.Parse(reader.Current.Data).GetProperty("after").GetProperty("orders").GetInt32());
            await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_slow_reader_is_let_go_and_sees_each_change_once_when_it_comes_back()
    {
        var silo = await StartSiloAsync("--Streams:WatchHistoryChanges=4", "--Streams:WatchBufferChanges=16");
        var customer = NewKey("customer") + new string('x', 900);
        await using var watch = silo.Client.WatchAsync<Spend>("spend", customer).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        for (var i = 0; i < 80; i++)
            await silo.PostAsync(
                Orders, Enumerable.Range(0, 150).Select(order => Placed($"o{i}-{order}-{new string('x', 900)}", customer, 1)));
        await silo.CaughtUpAsync(Orders);

        for (var orders = 1; orders <= 12_000; orders++)
        {
            Assert.True(await watch.MoveNextAsync());
            Assert.Equal(orders, watch.Current.After!.Orders);
        }
    }

    [Fact]
    public async Task A_thousand_watchers_of_one_key_all_receive_the_same_changes()
    {
        var (customer, watchers, changes) = (NewKey("customer"), 1_000, 50);
        var silo = await StartSiloAsync();
        var before = MemoryOf(silo);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        var started = Stopwatch.GetTimestamp();
        var opened = 0;
        var allOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var watching = Enumerable.Range(0, watchers).Select(async _ =>
        {
            var seen = new List<SeenChange>();
            await foreach (var item in silo.EventsAsync($"api/views/spend/{customer}?watch=true", stop: limit.Token))
            {
                if (item.EventType == "change")
                    seen.Add(SeenChange.Of(item));
                else if (Interlocked.Increment(ref opened) == watchers)
                    allOpen.SetResult();
                if (seen.Count == changes)
                    break;
            }

            return seen;
        }).ToList();
        await allOpen.Task.WaitAsync(limit.Token);
        Print(
            $"{watchers} watchers are connected after {Stopwatch.GetElapsedTime(started).TotalSeconds:N1} s; the silo has "
            + $"{MemoryOf(silo)} MB, {before} MB before them");

        started = Stopwatch.GetTimestamp();
        await silo.PostAsync(Orders, Enumerable.Range(0, changes).Select(i => Placed($"o{i}", customer, 1)));
        var seen = await Task.WhenAll(watching);

        Print(
            $"{changes} changes reached all of them within {Stopwatch.GetElapsedTime(started).TotalSeconds:N2} s; the silo has "
            + $"{MemoryOf(silo)} MB");
        Assert.Equal(
            Enumerable.Range(1, changes), seen[0].Select(change => JsonElement.Parse(change.After!).GetProperty("orders").GetInt32()));
        Assert.All(seen, one => Assert.Equal(seen[0], one));
    }

    private static async Task AssertResumesAsync(SiloProcess silo, string path, IReadOnlyList<SeenChange> seen)
    {
        foreach (var from in new[] { 0, seen.Count / 2, seen.Count - 2 })
        {
            Assert.Equal(seen.Skip(from + 1), await TakeAsync(silo, $"{path}&since={seen[from].Id}", seen.Count - from - 1));
            Assert.Equal(seen.Skip(from + 1), await TakeAsync(silo, path, seen.Count - from - 1, lastEventId: seen[from].Id));
        }
    }

    private static string MostOften(IEnumerable<JsonElement> lines, string member) =>
        lines.GroupBy(line => line.GetProperty(member).GetString()!).MaxBy(one => one.Count())!.Key;

    private static long MemoryOf(SiloProcess silo)
    {
        using var process = Process.GetProcessById(silo.ProcessId);
        return process.WorkingSet64 >> 20;
    }

    private static async Task<List<SeenChange>> TakeAsync(SiloProcess silo, string path, int count, string? lastEventId = null)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await silo.EventsAsync(path, lastEventId, limit.Token).Take(count).Select(SeenChange.Of).ToListAsync(limit.Token);
    }
}
