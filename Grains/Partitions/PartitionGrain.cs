using System.Diagnostics.CodeAnalysis;
using ActorStreams.Definitions;
using ActorStreams.Grains.Placement;
using Orleans.Concurrency;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// Gives a partition its one place in the cluster. The loop itself runs beside the grain (<see cref="PartitionRunner"/>), so that folding never holds up a call.
/// Should two activations exist for a moment, the checkpoint's condition decides which one goes on (semantics §5).
/// </summary>
[GrainType(GrainTypes.PartitionName)]
[OwnerPlacement]
[Reentrant]
[KeepAlive]
#pragma warning disable CA1001 // deactivation disposes the runner
internal sealed class PartitionGrain(PartitionServices services, PartitionDirectory directory, Ownership ownership, PartitionKeeper keeper) : Grain, IPartitionGrain
#pragma warning restore CA1001
{
    private PartitionRunner? _runner;

    private PartitionRunner Runner => _runner ?? throw new PartitionUnavailableException($"The partition {this.GetPrimaryKeyString()} is stopping. Try again.");

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
        if (Runner.Status == PartitionRunner.RunnerStatus.Closed)
            DeactivateOnIdle();
        else if (ownersVersion > ownership.Version || !ownership.IsMine(Runner.Dataset, Runner.Partition))
            keeper.Nudge();
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

    public async Task<IReadOnlyList<DeadLetterState>> DeadLetters(IReadOnlyList<long> offsets, CancellationToken cancellationToken) => await Runner.DeadLettersAsync(offsets, cancellationToken);

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

    internal static (Dataset Dataset, int Partition) Parse(string key, Topology topology) => TryParse(key, topology, out var dataset, out var partition)
        ? (dataset, partition)
        : throw new ArgumentException($"There is no partition '{key}'. A partition grain is addressed as dataset/number, with a dataset of this topology.", nameof(key));

    internal static bool TryParse(string key, Topology topology, [NotNullWhen(true)] out Dataset? dataset, out int partition)
    {
        (dataset, partition) = (null, 0);
        var slash = key.LastIndexOf('/');
        return slash > 0 && topology.TryGet(key[..slash], out dataset)
            && int.TryParse(key.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out partition) && partition < dataset.Partitions;
    }
}
