using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Telemetry;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Client;
using ActorStreams.Definitions;
using ActorStreams.Grains.Partitions;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Tests.EndToEnd;
using Microsoft.Extensions.DependencyInjection;

namespace ActorStreams.Tests.Telemetry;

/// <summary>The numbers that <c>/metrics</c> tells, against what was done.</summary>
[Collection(AloneCollection.Name)]
public sealed class MetricsTests : EndToEndTest
{
    private const string Topic = "messaging_destination_name";
    private const string SpendInput = "actorstreams.spend.b1.input";
    private static readonly (string, string) Orders = (Topic, OrderRequests.Orders);
    private static readonly (string, string) Order = ("actorstreams_entity_type", "order");
    private static readonly (string, string) Spend = ("actorstreams_view_name", "spend");

    [Fact]
    public async Task A_silo_under_load_counts_what_was_appended_and_no_metric_carries_a_key()
    {
        const int good = 1_000, bad = 10, watched = 25;
        await using var silo = new HostedSilo();
        await silo.StartAsync();
        using var client = await silo.ConnectAsync(overOrleans: false);
        await UntilAsync(() => client.IsReadyAsync(), "ready");
        await UntilAsync(async () => (await Scrape.OfAsync(silo.Url)).Sum("actorstreams_view_rebuild_progress") == 2, "nothing to fold");
        var watch = CountChangesAsync(client, "order", "secret-order-0", watched);
        await UntilAsync(
            async () => (await Scrape.OfAsync(silo.Url))
                .Sum("actorstreams_subscription_active", Order, ("actorstreams_subscription_kind", "watch")) == 1, "a watch");

        await client.AppendAsync(OrderRequests.Orders, Enumerable.Range(0, good - watched).Select(i => Placed($"secret-order-{i + 1}", i)));
        await client.AppendAsync(
            OrderRequests.Orders,
            Enumerable.Range(0, bad).Select(i => new AppendRecord { Key = $"secret-poison-{i}", Value = $"secret-value-{i}" }));
        for (var i = 0; i < watched; i++)
            await client.AppendAsync(OrderRequests.Orders, [Placed("secret-order-0", 10_000 + i)]);
        await watch;
        await UntilAsync(
            async () => (await client.GetAsync<JsonElement>("spend", "secret-customer-7"))?.State.GetProperty("orders").GetInt32() > 0,
            "a view");
        // The watched order goes to another customer each time: one is told that it left, and one that it came.
        var scrape = await SettledAsync(silo, good, good + watched - 1);

        Assert.Equal(
            good + bad,
            scrape.Sum("messaging_client_consumed_messages_total", Orders, ("messaging_consumer_group_name",
                "actorstreams.order.b1"), ("messaging_system", "actorstreams")));
        Assert.Equal(good, scrape.Sum("actorstreams_fold_changes_total", Order, ("outcome", "applied")));
        Assert.Equal(bad, scrape.Sum("actorstreams_dead_letter_changes_total", Orders, ("error_type", "bad_value")));
        Assert.Equal(bad, scrape.Sum("actorstreams_dead_letter_changes_total"));
        var batches = scrape.Sum("actorstreams_fold_duration_seconds_count", Order);
        Assert.InRange(batches, 4, good + bad);
        Assert.Equal(batches, scrape.Sum("messaging_process_duration_seconds_count", Orders));
        Assert.Equal(batches, scrape.Sum("actorstreams_source_end_to_end_duration_seconds_count", Orders, Order));
        Assert.InRange(scrape.Sum("actorstreams_source_end_to_end_duration_seconds_sum"), 1e-9, 60 * batches);
        Assert.Equal(
            scrape.Sum("messaging_client_consumed_messages_total", (Topic, SpendInput)),
            scrape.Sum("actorstreams_subscription_deliveries_total", Spend, ("actorstreams_subscription_kind", "view"), ("outcome", "ok")));
        Assert.Equal(
            scrape.Sum("actorstreams_fold_duration_seconds_count", Spend), scrape.Sum("actorstreams_view_freshness_seconds_count", Spend));
        Assert.InRange(scrape.Sum("actorstreams_view_freshness_seconds_sum", Spend), 1e-9, 60 * batches);
        Assert.Equal(
            watched,
            scrape.Sum(
                "actorstreams_subscription_deliveries_total", Order, ("actorstreams_subscription_kind", "watch"), ("outcome", "ok")));
        Assert.Equal(4, scrape.Sum("actorstreams_subscription_active", Order, Spend, ("actorstreams_subscription_kind", "view")));
        Assert.InRange(scrape.Sum("actorstreams_checkpoint_duration_seconds_count", Order, ("outcome", "written")), 1, double.MaxValue);
        Assert.Equal(4, scrape.Sum("actorstreams_partition_owner_changes_total", Orders));
        Assert.Equal(1, scrape.Sum("actorstreams_silo_ready"));
        Assert.Equal(2, scrape.Sum("actorstreams_view_rebuild_progress"));
        Assert.Equal(8, scrape.Count("actorstreams_consumer_lag"));
        foreach (var quiet in new[]
        {
            "consumer_lag", "consumer_delay_seconds", "checkpoint_age_seconds", "inflight_size_bytes", "partition_paused",
            "checkpoint_conflicts_total", "partition_restarts_total",
        })
            Assert.Equal(0, scrape.Sum($"actorstreams_{quiet}"));

        await client.GetAsync<JsonElement>("order", "secret-missing");
        await client.ListAsync<JsonElement>("order", "secret-order-1").ToListAsync();
        Assert.DoesNotContain("secret-", (await Scrape.OfAsync(silo.Url)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_in_no_checkpoint_yet_is_told_in_bytes_and_by_its_age()
    {
        await using var silo = new HostedSilo { Settings = ["--Streams:CheckpointIntervalSeconds", "3000"] };
        await silo.StartAsync();
        using var client = await silo.ConnectAsync(overOrleans: false);
        await UntilAsync(() => client.IsReadyAsync(), "ready");
        await client.AppendAsync(OrderRequests.Orders, Enumerable.Range(0, 100).Select(i => Placed($"o{i}", i)));
        var bytes = (await client.ReadRecordsAsync(OrderRequests.Orders).ToListAsync())
            .Sum(record => record.Key!.Length + record.Value!.Value.GetRawText().Length);
        var scrape = await SettledAsync(silo, 100, 100, stored: false);
        Assert.Equal(bytes, scrape.Sum("actorstreams_inflight_size_bytes", Orders));
        Assert.InRange(scrape.Max("actorstreams_checkpoint_age_seconds", Orders), 1e-9, 3_000);
        Assert.False(scrape.Has("actorstreams_checkpoint_duration_seconds_count"));
    }

    [Fact]
    public async Task A_partition_that_stops_is_paused_and_lags_and_after_a_restart_is_a_part_of_the_way()
    {
        await using var silo = new HostedSilo
        {
            Define = topology => topology.AddEntity<Meter>(meter => meter.OnBadRecord(BadRecords.Stop).WithPartitions(1)).AddView<Total>(),
        };
        await silo.StartAsync();
        using var client = await silo.ConnectAsync(overOrleans: false);
        await UntilAsync(() => client.IsReadyAsync(), "ready");
        await client.AppendAsync("meter", Enumerable.Range(0, 5).Select(i => new AppendRecord { Key = "m", Value = new Read(i) }));
        await UntilAsync(async () => (await client.GetAsync<Meter>("meter", "m"))?.State.Readings == 5, "five readings");
        await client.AppendAsync(
            "meter", [new()
            {
                Key = "m", Value = "no reading",
            }, .. Enumerable.Range(0, 4).Select(i => new AppendRecord { Key = "m", Value = new Read(i) })]);
        await UntilAsync(
            async () => (await Scrape.OfAsync(silo.Url))
                .Sum("actorstreams_partition_paused", (Topic, "meter"), ("reason", "bad_record")) == 1, "a partition that is paused");

        await silo.StopAsync();
        await silo.StartAsync();
        await UntilAsync(
            async () => (await Scrape.OfAsync(silo.Url)).Sum("actorstreams_partition_paused") == 1, "a partition that is paused again");
        var scrape = await Scrape.OfAsync(silo.Url);
        Assert.Equal(5, scrape.Sum("actorstreams_consumer_lag", (Topic, "meter")));
        Assert.InRange(scrape.Sum("actorstreams_consumer_delay_seconds", (Topic, "meter")), 1e-9, 600);
        Assert.Equal(0.5, scrape.Sum("actorstreams_view_rebuild_progress", ("actorstreams_entity_type", "meter")));
        Assert.Equal(0.5, scrape.Sum("actorstreams_view_rebuild_progress", ("actorstreams_view_name", "total")));
        Assert.Equal(0, scrape.Sum("actorstreams_dead_letter_changes_total"));
        Assert.InRange(
            scrape.Sum("messaging_process_duration_seconds_count", ("error_type", "ActorStreams.Partitions.Running.BadRecordException")), 1,
            double.MaxValue);

        // What it said last is not said for ever: another silo tells of it then.
        var directory = silo.Services.GetRequiredService<PartitionDirectory>();
        directory.Remove(directory.All.Single(runner => runner.Dataset.Name == "meter"));
        scrape = await Scrape.OfAsync(silo.Url);
        Assert.Equal(0, scrape.Sum("actorstreams_consumer_lag", (Topic, "meter")));
        Assert.Equal(0, scrape.Sum("actorstreams_partition_paused", (Topic, "meter")));
    }

    [Fact]
    public async Task An_owner_that_lost_its_partition_counts_a_conflict_and_what_it_folded_in_vain()
    {
        await using var silo = new HostedSilo
        {
            Define = topology => topology.AddEntity<Meter>(meter => meter.WithPartitions(1)),
            Settings = ["--Streams:CheckpointIntervalSeconds", "3000", "--Streams:MaxUnstoredStates", "50"],
        };
        await silo.StartAsync();
        using var client = await silo.ConnectAsync(overOrleans: false);
        await UntilAsync(() => client.IsReadyAsync(), "ready");
        await client.AppendAsync("meter", Enumerable.Range(0, 10).Select(i => new AppendRecord { Key = $"m{i}", Value = new Read(i) }));
        await UntilAsync(async () => (await client.GetAsync<Meter>("meter", "m9"))?.State.Readings == 1, "ten readings");

        var id = new PartitionId("meter", 1, 0);
        var moved = new CheckpointWrite
        {
            Partition = id, Checkpoint = new(1, 1, 0, default), Upserts = [], Deletes = [], ContributionUpserts = [],
            ContributionDeletes = [],
        };
        Assert.True(await silo.Services.GetRequiredService<IStateStore>().WriteCheckpointAsync(moved));
        var more = await client.AppendAsync(
            "meter", Enumerable.Range(10, 50).Select(i => new AppendRecord { Key = $"m{i}", Value = new Read(i) }));
        await client.GetAsync<Meter>("meter", "m59", new() { AtLeast = more[^1] });
        // With this batch it sees that it holds more than it may, and writes a checkpoint.
        await client.AppendAsync("meter", [new() { Key = "m0", Value = new Read(0) }]);
        var meter = ("actorstreams_entity_type", "meter");
        await UntilAsync(
            async () => (await Scrape.OfAsync(silo.Url)).Sum("actorstreams_checkpoint_conflicts_total", meter) == 1, "a conflict");
        var scrape = await Scrape.OfAsync(silo.Url);
        Assert.InRange(scrape.Sum("actorstreams_fold_changes_total", meter, ("outcome", "stale")), 60, 61);
        Assert.Equal(1, scrape.Sum("actorstreams_checkpoint_duration_seconds_count", meter, ("outcome", "conflict")));
        // The successor begins at the moved checkpoint, and folds the others again.
        await UntilAsync(
            async () => (await Scrape.OfAsync(silo.Url)).Sum("actorstreams_partition_owner_changes_total") == 2, "a second owner");
    }

    [Fact]
    public async Task A_watch_that_comes_back_and_one_that_is_too_slow_are_told_apart()
    {
        const int buffer = 64;
        await using var silo = new HostedSilo
        {
            Define = topology => topology.AddEntity<Meter>(meter => meter.WithPartitions(1)),
            Settings = ["--Streams:WatchBufferChanges", $"{buffer}"],
        };
        await silo.StartAsync();
        using var client = await silo.ConnectAsync(overOrleans: false);
        await UntilAsync(() => client.IsReadyAsync(), "ready");
        var read = Enumerable.Range(0, 20).Select(i => new AppendRecord { Key = "m", Value = new Read(i) }).ToList();
        string? since = null;
        await foreach (var change in client.WatchAsync<Meter>("meter", "m"))
        {
            if (since is null)
                await client.AppendAsync("meter", read);
            since ??= change.Id;
            if (change.After?.Readings == read.Count)
                break;
        }

        await CountChangesAsync(client, "meter", "m", read.Count, since);
        (string, string)[] watches = [("actorstreams_entity_type", "meter"), ("actorstreams_subscription_kind", "watch")];
        await UntilAsync(async () => (await Scrape.OfAsync(silo.Url)).Sum("actorstreams_subscription_active", watches) == 0, "no watch");
        var scrape = await Scrape.OfAsync(silo.Url);
        Assert.Equal(read.Count, scrape.Sum("actorstreams_subscription_deliveries_total", [.. watches, ("outcome", "ok")]));
        Assert.Equal(read.Count, scrape.Sum("actorstreams_subscription_deliveries_total", [.. watches, ("outcome", "retried")]));
        Assert.Equal(0, scrape.Sum("actorstreams_subscription_deliveries_total", [.. watches, ("outcome", "dropped")]));

        var runner = silo.Services.GetRequiredService<PartitionDirectory>().All.Single();
        using var slow = runner.Watch(
            "m",
            session => runner.Watches.Begin(
                "m", ActorStreams.Log.ChangePosition.Before(0, session.Fold.NextOffset),
                ActorStreams.Log.ChangePosition.Before(0, session.Fold.NextOffset), out _));
        await client.AppendAsync(
            "meter", Enumerable.Range(0, buffer + 10).Select(i => new AppendRecord { Key = "m", Value = new Read(i) }));
        await UntilAsync(
            async () => (await Scrape.OfAsync(silo.Url))
                .Sum("actorstreams_subscription_deliveries_total", [.. watches, ("outcome", "dropped")]) == 1,
            "one watch dropped, and once");
        Assert.Equal(
            read.Count + buffer,
            (await Scrape.OfAsync(silo.Url)).Sum("actorstreams_subscription_deliveries_total", [.. watches, ("outcome", "ok")]));
    }

    [Fact]
    public async Task Metrics_can_be_turned_off()
    {
        await using var silo = new HostedSilo { Settings = ["--Silo:MetricsEndpoint", "false"] };
        await silo.StartAsync();
        using var http = new HttpClient();
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await http.GetAsync(new Uri(silo.Url, "metrics"))).StatusCode);
    }

    [Fact]
    public async Task The_silo_says_who_it_is()
    {
        await using var silo = new HostedSilo { Settings = ["--Silo:Name", "the-one"] };
        await silo.StartAsync();
        var scrape = await Scrape.OfAsync(silo.Url);
        Assert.Equal(
            1,
            scrape.Sum(
                "target_info", ("service_name", "actorstreams-silo"), ("service_instance_id", "the-one"), ("service_version", "0.1.0")));
    }

    private static AppendRecord Placed(string key, int total) =>
        new() { Key = key, Value = new { type = "placed", customer = $"secret-customer-{total % 40}", total } };

    /// <summary>Waits until all is folded, in the view too, and stored.</summary>
    private static async Task<Scrape> SettledAsync(HostedSilo silo, int orders, int routed, bool stored = true)
    {
        Scrape? scrape = null;
        await UntilAsync(
            async () =>
            {
                scrape = await Scrape.OfAsync(silo.Url);
                return scrape.Sum("actorstreams_fold_changes_total", Order, ("outcome", "applied")) == orders
                    && scrape.Sum("actorstreams_fold_changes_total", Spend, ("outcome", "applied")) == routed
                    && scrape.Sum("actorstreams_consumer_lag") == 0 && (!stored || scrape.Sum("actorstreams_inflight_size_bytes") == 0);
            },
            "everything folded and stored");
        return scrape!;
    }

    private static async Task CountChangesAsync(ActorStreamsClient client, string dataset, string key, int count, string? since = null)
    {
        await foreach (var change in client.WatchAsync<JsonElement>(dataset, key, since))
        {
            if (change.Kind == WatchEventKind.Change && --count == 0)
                return;
        }
    }
}
