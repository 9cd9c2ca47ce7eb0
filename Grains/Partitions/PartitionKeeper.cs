using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Placement;
using ActorStreams.Partitions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// Keeps the partitions of this silo running, and hands over those that another silo owns. It checks when the membership changes, when a
/// partition reports that it is not owned here, and now and then. A silo that stops hands over everything, one last checkpoint after the
/// other, before it leaves the cluster.
/// </summary>
internal sealed partial class PartitionKeeper(
    IGrainFactory grains, Topology topology, LiveBuilds builds, Ownership ownership, PartitionDirectory directory,
    IClusterMembershipService membership,
    IOptions<StreamsOptions> options,
    TimeProvider time, ILogger<PartitionKeeper> logger) : BackgroundService, IHostedLifecycleService
{
    private readonly SemaphoreSlim _due = new(1, 1);

    /// <summary>
    /// A round of the keeper may be handing partitions over when the silo stops: the stop waits for it, and hands over the rest.
    /// </summary>
    private readonly SemaphoreSlim _handingOver = new(1, 1);

    /// <summary>Partitions that are handed over at once: each writes its last checkpoint meanwhile.</summary>
    private const int MaxHandOvers = 4;

    /// <summary>The wait after a round that failed.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>Looks soon.</summary>
    internal void Nudge()
    {
        try
        {
            _due.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is due already.
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before anything else stops: the HTTP server and the grains still answer, and forward calls to the new owners.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (ownership.Version == 0)
            return; // it never got so far as to own anything
        try
        {
            await ownership.LeaveAsync().WaitAsync(cancellationToken);
            await HandOverAsync(cancellationToken);
        }
        catch (Exception error)
        {
            // It stops all the same: each partition writes its last checkpoint when its grain is deactivated, and others
            // take over when this silo has gone.
            LogNotHandedOver(logger, error);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        builds.Changed += Follow;
        var watching = WatchMembersAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested && !ownership.Leaving)
        {
            try
            {
                await _due.WaitAsync(TimeSpan.FromSeconds(options.Value.KeeperIntervalSeconds), stoppingToken);
                await builds.FollowAsync(stoppingToken);
                await ownership.RefreshAsync();
                await HandOverAsync(stoppingToken);
                await EndUnknownAsync();
                await Task.WhenAll(Mine().Select(partition => KeepAsync(partition.Dataset, partition.Partition)));
                if (builds.Catalog.Due(build => builds.IsFolded(build, ownership.IsKnown)).Count > 0)
                    await grains.GetGrain<IBuildsGrain>(0).Look();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                LogRoundFailed(logger, error.Message);
                await Task.Delay(RetryAfter, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Nudge();
            }
        }

        await watching;
    }

    private async Task WatchMembersAsync(CancellationToken stop)
    {
        try
        {
            await foreach (var _ in membership.MembershipUpdates.WithCancellation(stop))
                Nudge();
        }
        catch (OperationCanceledException)
        {
            // The silo stops.
        }
    }

    private IEnumerable<(Dataset Dataset, int Partition)> Mine() => topology.Running
        .SelectMany(dataset => Enumerable.Range(0, dataset.Partitions).Select(partition => (Dataset: dataset, Partition: partition)))
        .Where(partition => ownership.IsMine(partition.Dataset, partition.Partition));

    private async Task KeepAsync(Dataset dataset, int partition)
    {
        try
        {
            await Grain(dataset, partition).EnsureRunning(ownership.Version);
        }
        catch (Exception error)
        {
            // The next round tries again.
            LogNotRunning(logger, error.Message, dataset.Name, partition);
            Nudge();
            await Task.Delay(RetryAfter, time);
        }
    }

    /// <summary>Hands over the partitions that this silo runs but does not own.</summary>
    private async Task HandOverAsync(CancellationToken cancellationToken)
    {
        await _handingOver.WaitAsync(cancellationToken);
        try
        {
            await HandOverOthersAsync(cancellationToken);
        }
        finally
        {
            _handingOver.Release();
        }
    }

    private Task HandOverOthersAsync(CancellationToken cancellationToken)
    {
        var others = directory.All.Where(runner => !ownership.IsMine(runner.Dataset, runner.Partition)
            && ownership.OwnerOf(runner.Dataset, runner.Partition) is not null).ToList();
        return Parallel.ForEachAsync(others, new ParallelOptions
        {
            MaxDegreeOfParallelism = MaxHandOvers, CancellationToken = cancellationToken,
        }, async (runner, _) =>
        {
            var begin = time.GetTimestamp();
            await runner.DisposeAsync();
            // The first call ends the activation here. The second finds none, and so makes one at the owner.
            await Grain(runner.Dataset, runner.Partition).EnsureRunning(ownership.Version);
            await Grain(runner.Dataset, runner.Partition).EnsureRunning(ownership.Version);
            LogHandedOver(
                logger, runner.Dataset.Name, runner.Partition, ownership.OwnerOf(runner.Dataset, runner.Partition)!,
                time.GetElapsedTime(begin).TotalMilliseconds);
        });
    }

    /// <summary>Ends the partitions of builds that this silo folds no more: they are retired, or lack changes.</summary>
    private Task EndUnknownAsync() => Task.WhenAll(directory.All.Where(runner => !topology.Running.Contains(runner.Dataset)).Select(
        async runner =>
        {
            await runner.DisposeAsync();
            // The call ends the activation.
            await Grain(runner.Dataset, runner.Partition).EnsureRunning(ownership.Version);
        }));

    /// <summary>The views of some datasets have changed, or there are other builds to fold.</summary>
    private void Follow(IReadOnlyList<Dataset> changed)
    {
        foreach (var runner in directory.All.Where(runner => changed.Contains(runner.Dataset)))
            runner.Reopen();
        Nudge();
    }

    private IPartitionGrain Grain(Dataset dataset, int partition) => grains.GetGrain<IPartitionGrain>(PartitionKeys.Of(dataset, partition));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Dataset}/{Partition} did not say that it runs: {Reason}")]
    private static partial void LogNotRunning(ILogger logger, string reason, string dataset, int partition);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The owners of partitions could not be asked for, and stay as they are: {Reason}")]
    private static partial void LogRoundFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Not all partitions were handed over before the stop.")]
    private static partial void LogNotHandedOver(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Dataset}/{Partition} went to {Owner} in {Milliseconds:0} ms.")]
    private static partial void LogHandedOver(ILogger logger, string dataset, int partition, SiloAddress owner, double milliseconds);
}
