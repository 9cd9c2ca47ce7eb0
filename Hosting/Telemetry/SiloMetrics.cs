using System.Diagnostics.Metrics;
using ActorStreams.Hosting.Health;
using ActorStreams.Partitions.Telemetry;

namespace ActorStreams.Hosting.Telemetry;

/// <summary>What only the host knows, among the metrics of meter <c>ActorStreams</c>.</summary>
internal sealed class SiloMetrics(IMeterFactory meters, Readiness readiness) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        meters.Create(TelemetryNames.Meter)
            .CreateObservableGauge("actorstreams.silo.ready", () => readiness.Reason is null
                ? 1
                : 0, "1", "1 when the silo is ready, as /health/ready says; 0 otherwise.");
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
