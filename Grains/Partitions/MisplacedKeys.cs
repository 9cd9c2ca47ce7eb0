using System.Collections.Concurrent;
using ActorStreams.Definitions;
using ActorStreams.Grains.Placement;
using ActorStreams.Partitions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// Knows in which datasets a key may lie outside its home partition, so that only there a read that finds nothing queries other
/// partitions. Partitions on this silo are checked each time; the others are queried at an interval. A partition that has not answered
/// yet may hold any key: a search in vain is better than a state that is not found.
/// </summary>
internal sealed partial class MisplacedKeys(
    Topology topology, PartitionDirectory local, IGrainFactory grains, IOptions<StreamsOptions> options, TimeProvider time,
    ILogger<MisplacedKeys> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<(string Dataset, int Partition), bool> _remote = new();

    internal bool MayLieElsewhere(Dataset dataset, string key)
    {
        if (dataset.Kind == DatasetKind.View || dataset.Partitions == 1)
            return false;
        if (!dataset.HasHome(key))
            return true;
        for (var partition = 0; partition < dataset.Partitions; partition++)
        {
            if (local.TryGet(dataset, partition, out var runner)
                ? runner.MayHoldMisplacedKeys
                : _remote.GetValueOrDefault((dataset.Name, partition), true))
                return true;
        }

        return false;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.MisplacedIntervalSeconds), time);
        do
        {
            await Task.WhenAll(
                topology.Datasets
                    .Where(dataset => dataset is { Kind: DatasetKind.Entity, Partitions: > 1, Partitioner: not Log.KeyPartitioner.Unknown })
                    .SelectMany(dataset => Enumerable.Range(0, dataset.Partitions).Select(partition => AskAsync(dataset, partition))));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task AskAsync(Dataset dataset, int partition)
    {
        if (local.TryGet(dataset, partition, out _))
        {
            // When it moves to another silo, that silo is queried.
            _remote.TryRemove((dataset.Name, partition), out _);
            return;
        }

        try
        {
            _remote[(dataset.Name, partition)] =
                (await grains.GetGrain<IPartitionGrain>(PartitionKeys.Of(dataset, partition)).GetState()).MayHoldMisplacedKeys;
        }
        catch (Exception error)
        {
            // Its last answer stays; the next round queries it again.
            LogNotTold(logger, error, dataset.Name, partition);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Partition {Dataset}/{Partition} did not say whether it holds keys of others.")]
    private static partial void LogNotTold(ILogger logger, Exception error, string dataset, int partition);
}
