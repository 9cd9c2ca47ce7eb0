using System.Net;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Samples.GitHistory;
using ActorStreams.Samples.Shop;
using ActorStreams.States;
using static ActorStreams.Tests.EndToEnd.OrderRequests;

namespace ActorStreams.Tests.EndToEnd;

public sealed class ReadingTests(SharedSilo shared) : SharedSiloTest(shared)
{
    private static readonly string[] OddKeys =
    [
        "", ".", "..", "/", "//", "a/b", "a//b", "/a", "a/", "./x", "x/.", "x/..", "a/../b", "a b", " ", "+", "%", "%2F", "%2e", "100%",
        "a?b", "?", "#", "a#b", "&key=x", "=",
        "ü", "日本", "😀", "a\u0301", "\\", "\"", "a\nb", "\t", "~", ":", "@", "[x]", "{0}", "null", "'; drop table states; --",
    ];

    [Fact]
    public async Task A_read_at_least_at_an_append_includes_it_on_an_entity_a_view_and_a_view_of_a_view()
    {
        var (random, model) = (NewRandom(), new Dictionary<string, (string Author, int Lines)>());
        for (var i = 0; i < 200; i++)
        {
            var (path, author, lines) = ($"f{random.Next(40)}", $"a{random.Next(12)}", random.Next(1, 1_000));
            var delete = model.ContainsKey(path) && random.Next(6) == 0;
            var change = new FileChange("c", i, 0, author, path, delete ? "D" : "A", lines, 0);
            var at = (await Silo.Client.AppendAsync(GitInput.Topic, [new() { Key = path, Value = change }]))[0];
            if (delete)
                model.Remove(path);
            else
                model[path] = (author, lines);
            await AssertIncludesAsync(model, path, author, at);
        }
    }

    [Fact]
    public async Task A_read_that_does_not_reach_its_position_in_time_says_how_far_it_got()
    {
        var key = NewKey();
        var at = await Silo.PlaceAsync(key, "c", 1);
        var late = await Silo.GetAsync($"api/entities/order/{key}?atLeast={at.Partition}:{at.Offset + 1_000_000}&timeoutSeconds=0.1");
        Assert.Equal(HttpStatusCode.GatewayTimeout, late.Status);
        Assert.Contains($"{at.Offset + 1_000_000}", late.Detail, StringComparison.Ordinal);
        Assert.True(late.Json.GetProperty("position").GetProperty("offset").GetInt64() >= at.Offset);
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await Silo.GetAsync(
            $"api/views/spend/c?atLeast={Orders}/{at.Partition}:{at.Offset + 1_000_000}&timeoutSeconds=0")).Status);
    }

    [Fact]
    public async Task Pages_of_a_list_give_every_key_in_byte_order_while_others_are_written()
    {
        var prefix = NewKey();
        var keys = Enumerable.Range(0, 300).Select(i => $"{prefix}{(i % 7 == 0 ? "é" : i % 5 == 0 ? "😀" : "\uffee")}{i}")
            .Concat(OddKeys.Select(odd => prefix + odd)).ToList();
        await Silo.Client.AppendAsync(
            Orders, keys.Select(key => new AppendRecord { Key = key, Value = new { type = "placed", customer = "lists", total = 1 } }));
        await Silo.CaughtUpAsync(Orders);
        using var stop = new CancellationTokenSource();
        var writing = WriteBesideAsync(prefix, stop.Token);

        foreach (var pageSize in new[] { 1_000, 37, 3 })
        {
            var found = await Silo.AllAsync("order", prefix, pageSize);
            Assert.Equal(keys.Order(KeyOrder.Instance), found.Keys);
        }

        await stop.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task Odd_keys_are_read_back_through_the_client_and_through_plain_requests()
    {
        foreach (var (index, key) in OddKeys.Index())
        {
            var at = (await Silo.Client.AppendAsync(
                Orders, [new() { Key = key, Value = new { type = "placed", customer = key, total = index } }]))[0];
            var expected = new Order(key, index);
            var read = await Silo.Client.GetAsync<Order>("order", key, new() { AtLeast = at });
            Assert.True(read?.State == expected && read.Key == key, $"'{key}' reads as {read}.");
            Assert.Equal(
                index,
                JsonSerializer.Deserialize<Order>(
                    (await Silo.GetAsync($"api/entities/order?key={Uri.EscapeDataString(key)}")).State, JsonSerializerOptions.Web)!.Total);
            if (key == "." || (key.Length > 0 && !key.Split('/').Any(segment => segment is "." or "..")))
            {
                var path = key == "." ? "%2E" : Uri.EscapeDataString(key);
                Assert.Equal(
                    index,
                    JsonSerializer.Deserialize<Order>(
                        (await Silo.GetAsync($"api/entities/order/{path}")).State, JsonSerializerOptions.Web)!.Total);
            }

            Assert.Equal(1, (await Silo.Client.GetAsync<Spend>("spend", key, new() { AtLeast = at }))!.State.Orders);
            await using var watch = Silo.Client.WatchAsync<Order>("order", key).GetAsyncEnumerator();
            Assert.True(await watch.MoveNextAsync());
            Assert.Equal((key, expected), (watch.Current.Key, watch.Current.After));
        }
    }

    [Fact]
    public async Task A_tombstone_ends_a_state_and_a_later_record_begins_a_new_one()
    {
        var (key, customer) = (NewKey(), NewKey("customer"));
        await Silo.PlaceAsync(key, customer, 5);
        var ended = (await Silo.Client.AppendAsync(Orders, [new() { Key = key }]))[0];
        Assert.Null(await Silo.Client.GetAsync<Order>("order", key, new() { AtLeast = ended }));
        var gone = await Silo.GetAsync($"api/entities/order/{key}");
        Assert.Equal(HttpStatusCode.NotFound, gone.Status);
        Assert.Contains(key, gone.Detail, StringComparison.Ordinal);
        Assert.Null(await Silo.Client.GetAsync<Spend>("spend", customer, new() { AtLeast = ended }));
        Assert.Empty(await Silo.AllAsync("order", key));
        var again = await Silo.PlaceAsync(key, customer, 7);
        Assert.Equal(new(1, 7), (await Silo.Client.GetAsync<Spend>("spend", customer, new() { AtLeast = again }))!.State);
    }

    [Fact]
    public async Task A_stopped_silo_starts_with_all_its_states_and_folds_nothing_again()
    {
        var silo = await StartSiloAsync("--Streams:CheckpointIntervalSeconds=3600");
        await silo.Client.AppendAsync(
            GitInput.Topic,
            GitInput.Instance.Lines.Take(5_000)
                .Select(line => new AppendRecord { Key = line.GetProperty("path").GetString()!, Value = line }));
        await silo.CaughtUpAsync(GitInput.Topic);
        var (states, ends) = (await StatesAsync(silo), await EndsAsync(silo));

        Assert.Equal(0, await silo.StopAsync());
        await silo.StartAsync();
        await silo.CaughtUpAsync(GitInput.Topic);

        Assert.Equal(states, await StatesAsync(silo));
        Assert.Equal(ends, await EndsAsync(silo));
    }

    private async Task AssertIncludesAsync(Dictionary<string, (string Author, int Lines)> model, string path, string author, Position at)
    {
        // Each in its own order, so that none has waited for the others.
        var board = await Silo.Client.GetAsync<Leaderboard>("leaderboard", Leaderboard.Key, new() { AtLeast = at });
        var view = await Silo.Client.GetAsync<Author>("author", author, new() { AtLeast = at });
        var file = await Silo.Client.GetAsync<SourceFile>("file", path, new() { AtLeast = at });
        Assert.Equal(
            model.TryGetValue(path, out var expected) ? expected : default,
            file is null ? default : (file.State.LastAuthor, file.State.Lines));
        var authors = model.Values.GroupBy(f => f.Author)
            .ToDictionary(f => f.Key, f => (Files: f.Count(), Lines: f.Sum(one => (long)one.Lines)));
        Assert.Equal(authors.GetValueOrDefault(author), view is null ? default : (view.State.Files, view.State.Lines));
        Assert.Equal(
            authors.OrderByDescending(a => a.Value.Lines).ThenBy(
                a => a.Key, StringComparer.Ordinal).Take(10).Select(a => (a.Key, a.Value.Lines)),
            board?.State.Authors.Select(a => (a.Key, a.Value)) ?? []);
    }

    private async Task WriteBesideAsync(string prefix, CancellationToken stop)
    {
        var random = new Random(prefix.Length);
        while (!stop.IsCancellationRequested)
        {
            // Before, between and after what is listed: none of them has its prefix.
            await Silo.PostAsync(
                Orders,
                Enumerable.Range(0, 50)
                    .Select(_ => Placed($"{prefix[..random.Next(prefix.Length)]}!{random.Next(500)}", "beside", random.Next(9))));
        }
    }

    private static async Task<List<string>> StatesAsync(SiloProcess silo)
    {
        var states = new List<string>();
        foreach (var dataset in GitInput.Datasets)
            states.AddRange((await silo.AllAsync(dataset)).Select(state => $"{dataset} {state.Key} {state.Value}"));
        return states;
    }

    private static async Task<List<string>> EndsAsync(SiloProcess silo) =>
        [.. (await silo.Client.TopicsAsync()).SelectMany(topic => topic.Partitions.Select(p => $"{topic.Topic}/{p.Partition}:{p.End}"))];
}
