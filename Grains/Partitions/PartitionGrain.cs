using ActorStreams.Definitions;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// Gives a partition its one place in the cluster. The loop itself runs beside the grain (<see cref="PartitionRunner"/>), so that folding never holds up a call.
/// Should two activations exist for a moment, the checkpoint's condition decides which one goes on (semantics §5).
/// </summary>
[GrainType("partition")]
[Reentrant]
[KeepAlive]
#pragma warning disable CA1001 // deactivation disposes the runner
internal sealed class PartitionGrain(PartitionServices services, PartitionDirectory directory) : Grain, IPartitionGrain
#pragma warning restore CA1001
{
    private PartitionRunner? _runner;

    private PartitionRunner Runner => _runner ?? throw new PartitionUnavailableException($"The partition {this.GetPrimaryKeyString()} is stopping. Try again.");

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var (dataset, partition) = PartitionKeys.Parse(this.GetPrimaryKeyString(), services.Topology);
        _runner = new(services, dataset, partition);
        directory.Add(_runner);
        _runner.Start();
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_runner is not { } runner)
            return;
        _runner = null;
        directory.Remove(runner);
        await runner.DisposeAsync();
    }

    public Task<PartitionStatus> EnsureRunning()
    {
        // Another owner took over and this loop ended: the next call finds or makes the activation that counts.
        if (_runner is { Status: PartitionRunner.RunnerStatus.Closed })
            DeactivateOnIdle();
        return GetState();
    }

    public async Task<StateReply> Read(string key, ReadRequest request, CancellationToken cancellationToken)
    {
        var reached = request.AtLeast is not { } position
            || await Runner.WaitFoldedAsync(position.Offset, TimeSpan.FromSeconds(request.TimeoutSeconds), cancellationToken);
        return await Runner.ReadAsync(key, cancellationToken) with { Reached = reached };
    }

    public IAsyncEnumerable<WatchReply> Watch(string key, WatchRequest request, CancellationToken cancellationToken) => Runner.WatchAsync(key, request, cancellationToken);

    public async Task<IReadOnlyList<StateReply>> List(ListRequest request, CancellationToken cancellationToken) => await Runner.ListAsync(request, cancellationToken);

    public async Task<long> WaitRouted(long offset, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await Runner.WaitRoutedAsync(offset, timeout, cancellationToken);
        return (Runner.Session?.Routed ?? 0) - 1;
    }

    public Task<PartitionStatus> GetState() => Task.FromResult(Runner.ToStatus());
}

/// <summary>How partition grains are named: <c>dataset/number</c>.</summary>
internal static class PartitionKeys
{
    internal static string Of(Dataset dataset, int partition) => string.Create(CultureInfo.InvariantCulture, $"{dataset.Name}/{partition}");

    internal static (Dataset Dataset, int Partition) Parse(string key, Topology topology)
    {
        var slash = key.LastIndexOf('/');
        if (slash > 0 && topology.TryGet(key[..slash], out var dataset)
            && int.TryParse(key.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var partition) && partition < dataset.Partitions)
        {
            return (dataset, partition);
        }

        throw new ArgumentException($"There is no partition '{key}'. A partition grain is addressed as dataset/number, with a dataset of this topology.", nameof(key));
    }
}
