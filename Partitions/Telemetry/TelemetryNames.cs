namespace ActorStreams.Partitions.Telemetry;

/// <summary>The names under which a host collects what partitions measure and trace.</summary>
public static class TelemetryNames
{
    /// <summary>The meter of all metrics.</summary>
    public const string Meter = StreamsMetrics.MeterName;

    /// <summary>The activity source of all traces.</summary>
    public const string Traces = StreamsTraces.SourceName;
}
