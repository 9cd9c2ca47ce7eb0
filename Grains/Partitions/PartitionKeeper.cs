using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ActorStreams.Grains.Partitions;

/// <summary>Keeps all partitions running: asks each, now and then, whether it runs, and by asking activates those that do not.</summary>
internal sealed partial class PartitionKeeper(
    IGrainFactory grains, Definitions.Topology topology, IOptions<StreamsOptions> options, TimeProvider time, ILogger<PartitionKeeper> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.KeeperIntervalSeconds), time);
        do
        {
            await Task.WhenAll(topology.Datasets.SelectMany(dataset => Enumerable.Range(0, dataset.Partitions).Select(partition => KeepAsync(PartitionKeys.Of(dataset, partition)))));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task KeepAsync(string partition)
    {
        try
        {
            await grains.GetGrain<IPartitionGrain>(partition).EnsureRunning();
        }
        catch (Exception error)
        {
            // The next round tries again.
            LogNotRunning(logger, error, partition);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition} did not say that it runs.")]
    private static partial void LogNotRunning(ILogger logger, Exception error, string partition);
}
