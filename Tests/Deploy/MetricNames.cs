namespace ActorStreams.Tests.Deploy;

/// <summary>The metrics as OpenTelemetry names them, and as Prometheus reads them.</summary>
internal static class MetricNames
{
    private const string Counter = "counter", Gauge = "gauge", Histogram = "histogram";

    /// <summary>The documented metrics of ours: those of the first twenty lines are on a dashboard each.</summary>
    internal static IReadOnlyList<(string Name, string Kind, string Unit)> Documented { get; } =
    [
        ("actorstreams.consumer.lag", Gauge, ""),
        ("actorstreams.consumer.delay", Gauge, "s"),
        ("actorstreams.source.end_to_end.duration", Histogram, "s"),
        ("actorstreams.view.freshness", Histogram, "s"),
        ("messaging.client.consumed.messages", Counter, ""),
        ("messaging.process.duration", Histogram, "s"),
        ("actorstreams.fold.changes", Counter, ""),
        ("actorstreams.fold.duration", Histogram, "s"),
        ("actorstreams.dead_letter.changes", Counter, ""),
        ("actorstreams.partition.paused", Gauge, ""),
        ("actorstreams.checkpoint.age", Gauge, "s"),
        ("actorstreams.checkpoint.duration", Histogram, "s"),
        ("actorstreams.checkpoint.conflicts", Counter, ""),
        ("actorstreams.subscription.active", Gauge, ""),
        ("actorstreams.subscription.deliveries", Counter, ""),
        ("actorstreams.view.rebuild.progress", Gauge, ""),
        ("actorstreams.partition.owner.changes", Counter, ""),
        ("actorstreams.inflight.size", Gauge, "By"),
        ("actorstreams.kafka.broker.rtt", Gauge, "s"),
        ("actorstreams.silo.ready", Gauge, ""),
        ("actorstreams.partition.restarts", Counter, ""),
        ("actorstreams.table.entries", Gauge, ""),
        ("actorstreams.source.misplaced", Gauge, ""),
        ("actorstreams.source.changed_partitions", Gauge, ""),
        ("actorstreams.build.active", Gauge, ""),
        ("actorstreams.build.frozen.age", Gauge, "s"),
        ("actorstreams.build.backfilled", Gauge, ""),
    ];

    /// <summary>All series of ours in Prometheus.</summary>
    internal static IReadOnlySet<string> Own { get; } = Documented.SelectMany(SeriesOf).ToHashSet(StringComparer.Ordinal);

    /// <summary>What the runtime and ASP.NET tell of themselves, as far as it is used.</summary>
    internal static IReadOnlySet<string> Others { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "dotnet_process_memory_working_set_bytes", "dotnet_process_cpu_time_seconds_total", "dotnet_gc_pause_time_seconds_total",
        "http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds_bucket",
    };

    /// <summary>The attributes that queries may tell series apart by, and what Prometheus adds.</summary>
    internal static IReadOnlySet<string> Labels { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "namespace", "pod", "job", "le", "actorstreams_dataset", "actorstreams_build", "actorstreams_view_name",
        "actorstreams_subscription_kind",
        "messaging_destination_name", "messaging_destination_partition_id",
        "outcome", "reason", "error_type", "server_address", "http_route", "http_response_status_code",
    };

    /// <summary>As Prometheus reads it; a histogram without what its three series end in.</summary>
    internal static string InPrometheus((string Name, string Kind, string Unit) metric) =>
        metric.Name.Replace('.', '_') + metric.Unit switch { "s" => "_seconds",
        "By" => "_bytes", _ => "" } + (metric.Kind == Counter ? "_total" : "");

    private static IEnumerable<string> SeriesOf((string Name, string Kind, string Unit) metric)
    {
        var name = InPrometheus(metric);
        return metric.Kind == Histogram ? [name + "_bucket", name + "_count", name + "_sum"] : [name];
    }
}
