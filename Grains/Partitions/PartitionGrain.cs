using ActorStreams.DeadLetters;
using ActorStreams.Grains.Dismissed;
using ActorStreams.Grains.Placement;
using ActorStreams.Partitions.Running;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// Gives a partition its one place in the cluster. The loop itself runs beside the grain (<see cref="PartitionRunner"/>), so that folding
/// never holds up a call. If two activations exist for a moment, the checkpoint's condition decides which one continues (semantics §5).
/// </summary>
[GrainType(GrainTypes.PartitionName)]
[OwnerPlacement]
[Reentrant]
[KeepAlive]
#pragma warning disable CA1001 // deactivation disposes the runner
internal sealed class PartitionGrain(
    PartitionServices services, PartitionDirectory directory, Ownership ownership, PartitionKeeper keeper, Dismissals dismissals,
    ILocalSiloDetails silo)
    : Grain, IPartitionGrain
#pragma warning restore CA1001
{
    private PartitionRunner? _runner;

    private PartitionRunner Runner => _runner
        ?? throw new PartitionUnavailableException($"The partition {this.GetPrimaryKeyString()} is stopping. Try again.");

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var (dataset, partition) = PartitionKeys.Parse(this.GetPrimaryKeyString(), services.Topology);
        _runner = new(services, dataset, partition);
        directory.Add(_runner);
        _runner.Meter.Came();
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

    public Task<PartitionStatus> EnsureRunning(long ownersVersion)
    {
        // Handed over, or another owner took over: the next call finds or makes the activation that counts.
        if (Runner.Status == RunnerStatus.Closed)
            DeactivateOnIdle();
        else if (ownersVersion > ownership.Version || !ownership.IsMine(Runner.Dataset, Runner.Partition))
            keeper.Nudge();
        return GetState();
    }

    public Task<StateReply> Read(string key, ReadRequest request, CancellationToken cancellationToken) =>
        Runner.ReplyAsync(key, request.AtLeast?.Offset ?? -1, TimeSpan.FromSeconds(request.TimeoutSeconds), cancellationToken);

    public IAsyncEnumerable<WatchReply> Watch(string key, WatchRequest request, CancellationToken cancellationToken) =>
        Runner.ReplyAsync(key, request, cancellationToken);

    public Task<IReadOnlyList<StateReply>> List(ListRequest request, CancellationToken cancellationToken) =>
        Runner.ReplyAsync(request, cancellationToken);

    public Task<IReadOnlyList<DeadLetterState>> DeadLetters(IReadOnlyList<long> offsets, CancellationToken cancellationToken) =>
        Runner.ReplyAsync(offsets, cancellationToken);

    public async Task<long> WaitRouted(long offset, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await Runner.RoutedAsync(offset, timeout, cancellationToken);
        return (Runner.Session?.Routed ?? 0) - 1;
    }

    public Task HoldReads()
    {
        Runner.Gate.Hold();
        return Task.CompletedTask;
    }

    public async Task ReleaseReads()
    {
        if (!await Runner.Gate.ReleaseAsync(CancellationToken.None))
            Runner.Watches.End("Readers get another build of the dataset now. Resume: the watch begins with its state.");
    }

    public Task SetAside(long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        Runner.SetAsideAsync(offset, timeout, cancellationToken);

    public Task<PartitionStatus> GetState() => Task.FromResult(Runner.ToStatus(SiloNames.Of(silo.Name, silo.SiloAddress), dismissals));
}
