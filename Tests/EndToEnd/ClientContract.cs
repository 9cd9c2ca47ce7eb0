using System.Net;
using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Log;
using ActorStreams.Protocol;
using ActorStreams.Samples.Shop;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>What the client promises, whichever way it asks.</summary>
public abstract class ClientContract(bool overOrleans) : EndToEndTest
{
    private const string Orders = "shop.orders";
    private readonly HostedSilo _silo = new() { Settings = ["--Streams:KeeperIntervalSeconds", "0.5"] };
    private ActorStreamsClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public override async ValueTask InitializeAsync()
    {
        await _silo.StartAsync();
        _client = await _silo.ConnectAsync(overOrleans);
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _client.Dispose();
        await _silo.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task It_reads_what_it_wrote_through_views_and_a_key_without_a_state_is_null()
    {
        var positions = await _client.AppendAsync(Orders, [Placed("o/1", "ann", 5), Placed(".", "ann", 7), Placed("", "bob", 1)], Token);
        foreach (var position in positions)
            await _client.GetAsync<Spend>("spend", "ann", new() { AtLeast = position }, Token);
        Assert.Equal(new Spend(2, 12), (await _client.GetAsync<Spend>("spend", "ann", cancellationToken: Token))!.State);
        foreach (var (key, position) in new[] { "o/1", ".", "" }.Zip(positions))
        {
            var order = (await _client.GetAsync<Order>("order", key, new() { AtLeast = position }, Token))!;
            Assert.Equal(("order", key, position.TopicPartition), (order.Dataset, order.Key, order.Position.TopicPartition));
            Assert.True(order.Position.Offset >= position.Offset);
            Assert.Equal(DateTimeOffset.UnixEpoch, order.Time);
            Assert.Equal(0, order.Behind!.Records);
        }

        Assert.Null(await _client.GetAsync<Order>("order", "nobody", cancellationToken: Token));
    }

    [Fact]
    public async Task One_read_waits_for_all_positions_of_a_batch()
    {
        var records = Enumerable.Range(0, 40).Select(i => Placed($"batch-{i}", "zoe", 1)).ToList();
        var positions = await _client.AppendAsync(Orders, records, Token);
        Assert.True(positions.Select(position => position.Partition).Distinct().Count() > 1);
        var spend = await _client.GetAsync<Spend>("spend", "zoe", new() { AlsoAtLeast = positions }, Token);
        Assert.Equal(new Spend(40, 40), spend!.State);
    }

    [Fact]
    public async Task What_is_asked_wrongly_is_told_with_the_same_status()
    {
        var at = (await _client.AppendAsync(Orders, [Placed("o", "ann", 5)], Token))[0];
        await FailsAsync(HttpStatusCode.NotFound, "'spent'", () => _client.GetAsync<Spend>("spent", "ann", cancellationToken: Token));
        await FailsAsync(
            HttpStatusCode.GatewayTimeout, "not yet",
            () => _client.GetAsync<Spend>("spend", "ann", new() { AtLeast = at with { Offset = 99 }, TimeoutSeconds = 0.1 }, Token));
        await FailsAsync(
            HttpStatusCode.BadRequest, "Nothing of topic 'else'",
            () => _client.GetAsync<Spend>("spend", "ann", new() { AtLeast = at with { Topic = "else" } }, Token));
        await FailsAsync(
            HttpStatusCode.BadRequest, "there is no partition 9",
            () => _client.GetAsync<Spend>("spend", "ann", new() { AtLeast = at with { Partition = 9 } }, Token));
        await FailsAsync(
            HttpStatusCode.NotFound, "no topic 'nowhere'", () => _client.AppendAsync("nowhere", [Placed("o", "ann", 5)], Token));
        await FailsAsync(
            HttpStatusCode.BadRequest, "written by the system alone",
            () => _client.AppendAsync("actorstreams.dead-letters", [Placed("o", "ann", 5)], Token));
        await FailsAsync(
            HttpStatusCode.NotFound, "no topic 'nowhere'",
            async () => await _client.ReadRecordsAsync("nowhere", cancellationToken: Token).ToListAsync(Token));
        await FailsAsync(
            HttpStatusCode.NotFound, "there is no partition 9",
            async () => await _client.ReadRecordsAsync(Orders, 9, cancellationToken: Token).ToListAsync(Token));
        await FailsAsync(
            HttpStatusCode.BadRequest, "was to be read from 77",
            async () => await _client.ReadRecordsAsync(Orders, at.Partition, 77, cancellationToken: Token).ToListAsync(Token));
        await FailsAsync(
            HttpStatusCode.BadRequest, "has the form",
            async () => await _client.WatchAsync<Order>("order", "o", "x", Token).FirstAsync(Token));
        await FailsAsync(
            HttpStatusCode.BadRequest, "partition",
            async () => await _client.WatchAsync<Order>("order", "o", $"{(at.Partition + 1) % 4}:0", Token).FirstAsync(Token));
        await FailsAsync(
            HttpStatusCode.BadRequest, "that log ends at",
            async () => await _client.WatchAsync<Order>("order", "o", $"{at.Partition}:50", Token).FirstAsync(Token));
    }

    [Fact]
    public async Task An_append_with_a_key_happens_once_however_often_it_is_called()
    {
        AppendRecord[] records = [Placed("once-1", "eve", 5), Placed("once-2", "eve", 7)];
        var positions = await _client.AppendOnceAsync(Orders, records, "key \"1\" of \\eve", Token);
        for (var i = 0; i < 3; i++)
            Assert.Equal(positions, await _client.AppendOnceAsync(Orders, records, "key \"1\" of \\eve", Token));
        Assert.NotEqual(positions, await _client.AppendOnceAsync(Orders, records, "another", Token));
        var spend = await _client.GetAsync<Spend>("spend", "eve", new() { AlsoAtLeast = positions }, Token);
        Assert.Equal(2, spend!.State.Orders);
        var ends = (await _client.TopicsAsync(Token)).Single(topic => topic.Topic == Orders).Partitions;
        Assert.Equal(4, ends.Sum(partition => partition.End));

        await FailsAsync(
            HttpStatusCode.UnprocessableEntity, "Another topic or other records",
            () => _client.AppendOnceAsync(Orders, records[..1], "another", Token));
        await Assert.ThrowsAsync<ArgumentException>(() => _client.AppendOnceAsync(Orders, records, "ключ", Token));
        await Assert.ThrowsAsync<ArgumentException>(() => _client.AppendOnceAsync(
            Orders, Enumerable.Range(0, 1_001).Select(i => Placed($"m{i}", "eve", i)), "many", Token));
    }

    [Fact]
    public async Task A_bad_record_is_refused_with_its_number_and_nothing_of_its_chunk_is_appended()
    {
        var refused = await Assert.ThrowsAsync<AppendRefusedException>(() =>
            _client.AppendAsync(Orders, [Placed("o1", "ann", 1), Placed("o2", new('x', 20_000), 1), Placed("o3", "ann", 1)], Token));
        Assert.Equal((2, HttpStatusCode.BadRequest), (refused.Line, refused.Status!.Value));
        Assert.Contains("at most 10000 are taken", refused.Error, StringComparison.Ordinal);
        Assert.All((await _client.TopicsAsync(Token)).Single(topic => topic.Topic == Orders).Partitions, partition => Assert.Equal(
            0, partition.End));
    }

    [Fact]
    public async Task Many_records_come_back_in_order_and_lists_go_on_page_after_page()
    {
        var positions = await _client.AppendAsync(
            Orders, Enumerable.Range(0, 2_500).Select(i => Placed($"o{i:0000}", $"c{i % 10}", i)), Token);
        Assert.Equal(2_500, positions.Count);
        await UntilAsync(async () => (await _client.DatasetsAsync(Token)).All(dataset => dataset.Behind!.Records == 0), "all folded");
        var listed = await _client.ListAsync<Order>("order", pageSize: 700, cancellationToken: Token).ToListAsync(Token);
        Assert.Equal(
            Enumerable.Range(0, 2_500).Select(i => ($"o{i:0000}", (decimal)i)), listed.Select(item => (item.Key, item.State.Total)));
        Assert.Equal(
            ["o0120", "o0121"],
            (await _client.ListAsync<Order>("order", "o012", 2, Token).Take(2).ToListAsync(Token)).Select(item => item.Key));
        Assert.Equal(100, await _client.ReadRecordsAsync(Orders, cancellationToken: Token).CountAsync(Token));
        var all = await _client.ReadRecordsAsync(Orders, limit: 10_000, cancellationToken: Token).ToListAsync(Token);
        Assert.Equal(
            positions.Order(Comparer<Position>.Create((x, y) => (x.Partition, x.Offset).CompareTo((y.Partition, y.Offset)))),
            all.Select(r => new Position(r.Topic, r.Partition, r.Offset)));
        Assert.Equal("placed", all[0].Value!.Value.GetProperty("type").GetString());
        var followed = await _client.ReadRecordsAsync(Orders, follow: true, cancellationToken: Token).Take(2_500).ToListAsync(Token);
        Assert.Equal(2_500, followed.Select(record => record.Key).Distinct().Count());
        Assert.NotEmpty(await _client.ReadRecordsAsync("actorstreams.spend.b1.input", cancellationToken: Token)
            .Where(record => record.Frame is not null).ToListAsync(Token));
    }

    [Fact]
    public async Task Datasets_lineage_and_topics_are_told()
    {
        Assert.True(await _client.IsReadyAsync(Token) || await WaitAsync());
        var datasets = await _client.DatasetsAsync(Token);
        Assert.Equal(
            [("order", DatasetKind.Entity, 4), ("spend", DatasetKind.View, 4)],
            datasets.Select(dataset => (dataset.Name, dataset.Kind, dataset.Partitions)));
        Assert.Equal(["order"], datasets[1].Sources);
        var lineage = await _client.LineageAsync(Token);
        Assert.Equal([new(LineageNodeKind.Topic, Orders), new(LineageNodeKind.Dataset, "order")], lineage.Edges.Select(edge => edge.From));
        Assert.Equal([new LineageTopic(Orders, 4)], lineage.Topics);
        Assert.Equal(["dead-letters", "input", "source"], (await _client.TopicsAsync(Token)).Select(topic => Words.Of(topic.Kind)).Order());

        async Task<bool> WaitAsync()
        {
            await UntilAsync(() => _client.IsReadyAsync(Token), "ready");
            return true;
        }
    }

    [Fact]
    public async Task A_watch_gives_the_state_and_every_change_and_goes_on_after_the_silo_was_away()
    {
        await _client.AppendAsync(Orders, [Placed("w", "ann", 0)], Token);
        await UntilAsync(async () => await _client.GetAsync<Order>("order", "w", cancellationToken: Token) is not null, "the order");
        var (totals, last) = (new List<decimal>(), "");
        await foreach (var e in _client.WatchAsync<Order>("order", "w", cancellationToken: Token))
        {
            totals.Add(e.After!.Total);
            Assert.Equal(totals.Count == 1 ? WatchEventKind.State : WatchEventKind.Change, e.Kind);
            if (e.Kind == WatchEventKind.Change)
                Assert.Equal((totals[^2], e.Position!.Offset), (e.Before!.Total, e.Cause!.Root.Offset));
            last = e.Id;
            if (totals.Count == 6)
                break;
            if (totals.Count == 3)
            {
                await _silo.StopAsync();
                await _silo.StartAsync();
            }

            // An append is made once, so only when the silo is there again.
            await UntilAsync(() => _client.IsReadyAsync(Token), "ready");
            await _client.AppendAsync(Orders, [Placed("w", "ann", totals.Count)], Token);
        }

        Assert.Equal([0, 1, 2, 3, 4, 5], totals);
        var again = await _client.WatchAsync<Order>("order", "w", $"{last.Split(':')[0]}:0", Token).Take(totals.Count - 1)
            .ToListAsync(Token);
        Assert.Equal(totals.Skip(1), again.Select(e => e.After!.Total));
    }

    [Fact]
    public async Task A_dataset_is_rebuilt_moved_back_and_retired_and_its_watch_goes_on_at_each_build()
    {
        await UntilAsync(() => _client.IsReadyAsync(Token), "ready");
        await _client.AppendAsync(Orders, [Placed("b", "ann", 1)], Token);
        await UntilAsync(async () => await _client.GetAsync<Order>("order", "b", cancellationToken: Token) is not null, "the order");
        var seen = new List<(WatchEventKind Kind, int Build, decimal Total)>();
        await foreach (var e in _client.WatchAsync<Order>("order", "b", cancellationToken: Token))
        {
            seen.Add((e.Kind, e.Build, e.After!.Total));
            Assert.StartsWith($"b{e.Build}/", e.Id, StringComparison.Ordinal);
            if (seen.Count == 1)
            {
                var made = await _client.Builds.RebuildAsync("order", Token);
                Assert.Equal(["order@1", "spend@1", "order@2", "spend@2"], made.Select(build => $"{build.Dataset}@{build.Build}"));
            }
            else if (seen.Count == 2)
                await _client.AppendAsync(Orders, [Placed("b", "ann", 2)], Token);
            else if (seen.Count == 3)
                break;
        }

        Assert.Equal([(WatchEventKind.State, 1, 1), (WatchEventKind.State, 2, 1), (WatchEventKind.Change, 2, 2)], seen);
        await FailsAsync(HttpStatusCode.Conflict, "already", () => _client.Builds.CutoverAsync("order", Token));
        await FailsAsync(HttpStatusCode.NotFound, "'orders'", () => _client.Builds.RebuildAsync("orders", Token));
        await FailsAsync(HttpStatusCode.Conflict, "Readers get order@2", () => _client.Builds.RetireAsync("order", 2, Token));
        Assert.Equal(
            (BuildStatus.Active, true),
            (await _client.Builds.RollbackAsync("order", Token)).Select(build => (build.Status, build.IsActive)).First());
        Assert.Equal(1, (await _client.GetAsync<Order>("order", "b", cancellationToken: Token))!.Build);
        Assert.All(
            (await _client.Builds.RetireAsync("order", 2, Token)).Where(build => build.Build == 2),
            build => Assert.Equal(BuildStatus.Retired, build.Status));
        await UntilAsync(async () => (await _client.Builds.ListAsync(Token)).Count == 2, "the retired builds are gone");
    }

    [Fact]
    public async Task A_load_is_exact()
    {
        using var directory = new TemporaryDirectory();
        var file = directory.File("orders.ndjson");
        await File.WriteAllLinesAsync(
            file,
            Enumerable.Range(
                0, 300).Select(i => $"{{\"key\":\"o{i}\",\"value\":{{\"type\":\"placed\",\"customer\":\"c\",\"total\":{i}}}}}"), Token);
        for (var load = 0; load < 2; load++)
        {
            var source = new NdjsonSource(file);
            await source.OpenAsync(Token);
            var result = await new ExactLoader(_client, Orders, new() { Resume = true }).LoadAsync(source, Token);
            Assert.Equal(load == 0 ? (300L, 0L) : (0L, 300L), (result.Records, result.Skipped));
        }
    }

    private static AppendRecord Placed(string key, string customer, decimal total) =>
        new() { Key = key, Value = new { type = "placed", customer, total }, Timestamp = DateTimeOffset.UnixEpoch };

    private static async Task FailsAsync(HttpStatusCode status, string says, Func<Task> call)
    {
        var error = await Assert.ThrowsAnyAsync<ActorStreamsException>(call);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Equal(status, error.Status);
    }
}

public sealed class HttpClientTests() : ClientContract(overOrleans: false);

public sealed class OrleansClientTests() : ClientContract(overOrleans: true);
