using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using ActorStreams.Client.Calls;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka;
using ActorStreams.MockKafka;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Kafka;

namespace ActorStreams.Tests.Telemetry;

/// <summary>
/// A silo on (mock) Kafka: what only Kafka has, and that the table of docs/reference/metrics.md names exactly what there is.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed partial class KafkaMetricsTests : EndToEndTest
{
    private const int RoundTripMilliseconds = 40;

    [Fact]
    public async Task Round_trips_and_lost_records_are_told_and_the_table_in_the_docs_names_exactly_what_is_exported()
    {
        await using var kafka = await MockBrokers.StartAsync();
        foreach (var topic in new[] { OrderRequests.Orders, "actorstreams.spend.b1.input", "actorstreams.dead-letters" })
            await kafka.CreateTopicAsync(topic, 1);
        await kafka.SetRoundTripAsync(RoundTripMilliseconds);
        var instruments = new HashSet<string>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => Add(instruments, instrument) };
        listener.Start();
        await using var silo = new HostedSilo
        {
            Settings =
            [
                "--Silo:Log", "kafka", "--Kafka:BootstrapServers", kafka.BootstrapServers, "--Kafka:StatisticsSeconds", "1",
                "--Kafka:Consumer:fetch.wait.max.ms", "10", "--Kafka:ChecksTopicSettings", "false",
                "--Streams:DefaultPartitions", "1", "--Streams:LostRecords", "GoOn",
            ],
        };
        await silo.StartAsync();
        using var client = await silo.ConnectAsync(overOrleans: false);
        await UntilAsync(() => client.IsReadyAsync(), "ready");
        await UntilAsync(async () => (await Scrape.OfAsync(silo.Url)).Sum("actorstreams_view_rebuild_progress") == 2, "nothing to fold");
        await client.AppendAsync(OrderRequests.Orders, [Placed("a", 1)]);
        await UntilAsync(async () => (await Scrape.OfAsync(silo.Url)) is var seen && seen.Has("actorstreams_view_freshness_seconds_count")
            && seen.Has("actorstreams_checkpoint_duration_seconds_count"), "a view");
        await UntilAsync(async () => (await Scrape.OfAsync(silo.Url)).Has("actorstreams_kafka_broker_rtt_seconds"), "a round trip");

        var scrape = await Scrape.OfAsync(silo.Url);
        Assert.InRange(
            scrape.Sum("actorstreams_kafka_broker_rtt_seconds", ("server_address", "127.0.0.1")), 0.9 * RoundTripMilliseconds / 1e3, 10);
        Assert.Equal(2, scrape.Sum("messaging_client_consumed_messages_total", ("messaging_system", "kafka")));
        var (named, prometheus) = Table();
        Assert.Equal(named.Order(), instruments.Order());
        Assert.Equal(prometheus.Order(), scrape.OurNames.Order());
        foreach (var name in TheTwenty)
            Assert.Contains(name, named);

        await silo.StopAsync();
        await using (var log = KafkaChangeLog.Open(KafkaCluster.Options(kafka.BootstrapServers)))
            await log.AppendAsync(OrderRequests.Orders, KafkaTesting.Numbered(0, 9));
        await kafka.DeleteRecordsAsync(OrderRequests.Orders, 0, 8);
        await silo.StartAsync();
        await UntilAsync(
            async () => (await Scrape.OfAsync(silo.Url))
                .Sum("actorstreams_fold_changes_total", ("actorstreams_entity_type", "order"), ("outcome", "gap")) == 7,
            "seven lost records");
    }

    private static string[] TheTwenty =>
    [
        "actorstreams.consumer.lag", "actorstreams.consumer.delay", "actorstreams.source.end_to_end.duration",
        "actorstreams.view.freshness", "messaging.client.consumed.messages",
        "messaging.process.duration", "actorstreams.fold.changes", "actorstreams.fold.duration", "actorstreams.dead_letter.changes",
        "actorstreams.partition.paused", "actorstreams.checkpoint.age",
        "actorstreams.checkpoint.duration", "actorstreams.checkpoint.conflicts", "actorstreams.subscription.active",
        "actorstreams.subscription.deliveries", "actorstreams.view.rebuild.progress",
        "actorstreams.partition.owner.changes", "actorstreams.inflight.size", "actorstreams.kafka.broker.rtt", "actorstreams.silo.ready",
    ];

    private static void Add(HashSet<string> instruments, Instrument instrument)
    {
        if (instrument.Meter.Name != "ActorStreams")
            return;
        lock (instruments)
            instruments.Add(instrument.Name);
    }

    private static AppendRecord Placed(string key, int total) =>
        new() { Key = key, Value = new { type = "placed", customer = "c", total } };

    /// <summary>The names in the first and second column of the tables of docs/reference/metrics.md.</summary>
    private static (List<string> Names, List<string> Prometheus) Table()
    {
        var rows = Row().Matches(Repository.Read("docs/reference/metrics.md")).ToList();
        return ([.. rows.Select(row => row.Groups["name"].Value)], [.. rows.Select(row => row.Groups["prometheus"].Value)]);
    }

    [GeneratedRegex(@"^\| `(?<name>(actorstreams|messaging)\.[a-z_.]+)` \| `(?<prometheus>[a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
