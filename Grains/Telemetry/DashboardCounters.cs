using System.Diagnostics.Metrics;
using ActorStreams.Grains.Partitions;
using ActorStreams.Partitions.Running;
using Microsoft.Extensions.Hosting;
using Orleans.Runtime;

namespace ActorStreams.Grains.Telemetry;

/// <summary>
/// Shows the partitions' counters on the Orleans dashboard's counter page. The dashboard takes only instruments of Orleans' own
/// meter, and sums up their tags.
/// </summary>
internal sealed class DashboardCounters(OrleansInstruments orleans, PartitionDirectory partitions) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var meter = orleans.Meter;
        Gauge(meter, "actorstreams-records-behind", partition => partition.BehindRecords);
        Gauge(meter, "actorstreams-states", partition => partition.States);
        Gauge(meter, "actorstreams-states-in-memory", partition => partition.TableEntries);
        Gauge(meter, "actorstreams-partitions-folding", partition => partition.Status == RunnerStatus.Running ? 1 : 0);
        Gauge(meter, "actorstreams-partitions-paused", partition => partition.PausedBy is null ? 0 : 1);
        Gauge(meter, "actorstreams-watches", partition => partition.Watches.Count);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Gauge(Meter meter, string name, Func<PartitionRunner, long> value) =>
        meter.CreateObservableGauge(name, () => partitions.All.Sum(value));
}
