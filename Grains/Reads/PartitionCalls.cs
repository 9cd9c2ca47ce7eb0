using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Grains.Dismissed;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Placement;
using ActorStreams.Partitions.Running;

namespace ActorStreams.Grains.Reads;

/// <summary>
/// Calls to partitions wherever they are: directly on this silo, through the grain on another, and again where they move meanwhile.
/// </summary>
internal sealed class PartitionCalls(
    PartitionDirectory local, Ownership ownership, FrozenReads frozen, IGrainFactory grains, Dismissals dismissals, TimeProvider time)
{
    /// <summary>How long a partition on another silo may take to report its status.</summary>
    private static readonly TimeSpan StatusTimeout = TimeSpan.FromSeconds(3);

    internal Task<StateReply> ReadAsync(
        Dataset dataset, int partition, string key, long atLeast, Deadline deadline, CancellationToken cancellationToken) =>
        IsFrozen(dataset, partition) ? frozen.ReadAsync(dataset, partition, key, atLeast, cancellationToken) : CallAsync(
        dataset, partition, runner => runner.ReplyAsync(key, atLeast, deadline.Left, cancellationToken), grain => grain.Read(
            key, new(atLeast < 0 ? null : new(dataset.Topic, partition, atLeast), deadline.Left.TotalSeconds), cancellationToken),
        cancellationToken);

    internal Task<IReadOnlyList<StateReply>> ListAsync(
        Dataset dataset, int partition, ListRequest request, CancellationToken cancellationToken) =>
        IsFrozen(dataset, partition) ? frozen.ListAsync(dataset, partition, request, cancellationToken) : CallAsync(
            dataset, partition, runner => runner.ReplyAsync(request, cancellationToken),
            grain => grain.List(request, cancellationToken), cancellationToken);

    internal Task<IReadOnlyList<DeadLetterState>> DeadLettersAsync(
        Dataset dataset, int partition, IReadOnlyList<long> offsets, CancellationToken cancellationToken) => CallAsync(
        dataset, partition, runner => runner.ReplyAsync(offsets, cancellationToken), grain => grain.DeadLetters(offsets, cancellationToken),
        cancellationToken);

    /// <summary>To order it twice is harmless, so it is retried where the partition moves.</summary>
    internal Task SetAsideAsync(Dataset dataset, int partition, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        CallAsync(
            dataset, partition, runner => runner.SetAsideAsync(offset, timeout, cancellationToken), async grain =>
            {
                await grain.SetAside(offset, timeout, cancellationToken);
                return true;
            },
            cancellationToken);

    /// <summary>Waits until a partition has folded an offset and its changes are durable; false when the time ran out.</summary>
    internal Task<bool> RoutedAsync(Dataset dataset, int partition, long offset, Deadline deadline, CancellationToken cancellationToken) =>
        CallAsync(
            dataset, partition, runner => runner.RoutedAsync(offset, deadline.Left, cancellationToken),
            async grain => await grain.WaitRouted(offset, deadline.Left, cancellationToken) >= offset, cancellationToken);

    internal IAsyncEnumerable<WatchReply> Watch(
        Dataset dataset, int partition, string key, WatchRequest request, CancellationToken cancellationToken) =>
        local.TryGet(dataset, partition, out var runner)
            ? runner.ReplyAsync(key, request, cancellationToken) : Grain(dataset, partition).Watch(key, request, cancellationToken);

    internal async Task<PartitionStatus> StatusAsync(Dataset dataset, int partition)
    {
        try
        {
            if (IsFrozen(dataset, partition))
                return await frozen.StatusAsync(dataset, partition);
            return local.TryGet(dataset, partition, out var runner)
                ? runner.ToStatus(local.SiloName, dismissals) : await Grain(dataset, partition).GetState().WaitAsync(StatusTimeout, time);
        }
        catch (Exception error) when (error is OrleansException or TimeoutException or PartitionUnavailableException)
        {
            return PartitionStatus.Unreachable(dataset.Name, partition, error.Message);
        }
    }

    /// <summary>Whether no silo folds a build that this one does not know.</summary>
    private bool IsFrozen(Dataset dataset, int partition) => dataset.IsForeign && ownership.OwnerOf(dataset, partition) is null;

    private Task<T> CallAsync<T>(
        Dataset dataset, int partition, Func<PartitionRunner, Task<T>> here, Func<IPartitionGrain, Task<T>> there,
        CancellationToken cancellationToken) =>
        time.RetryAsync(
            () => local.TryGet(dataset, partition, out var runner) ? here(runner) : there(Grain(dataset, partition)),
            cancellationToken);

    private IPartitionGrain Grain(Dataset dataset, int partition) => grains.GetGrain<IPartitionGrain>(PartitionKeys.Of(dataset, partition));
}
