using ActorStreams.DeadLetters;

namespace ActorStreams.Grains;

/// <summary>
/// The owner of one partition of a dataset: runs the loop of semantics §4 on the silo it is on. It is addressed as
/// <c>dataset@build/number</c>; the grains of keys read it directly where they are on the same silo, and call it where they are not.
/// </summary>
[Alias("ActorStreams.IPartitionGrain")]
public interface IPartitionGrain : IGrainWithStringKey
{
    /// <summary>
    /// Starts the loop if it does not run, and says how it is doing. Where its place is elsewhere by now, it goes there soon.
    /// </summary>
    /// <param name="ownersVersion">The version of the owners that the caller knows: <see cref="PartitionMap.Version"/>.</param>
    [Alias("EnsureRunning")]
    Task<PartitionStatus> EnsureRunning(long ownersVersion);

    /// <inheritdoc cref="IStateGrain.Get"/>
    [Alias("Read")]
    Task<StateReply> Read(string key, ReadRequest request, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IStateGrain.Watch"/>
    [Alias("Watch")]
    IAsyncEnumerable<WatchReply> Watch(string key, WatchRequest request, CancellationToken cancellationToken = default);

    /// <summary>States in key order, of the keys that begin with a prefix and come after another.</summary>
    [Alias("List")]
    Task<IReadOnlyList<StateReply>> List(ListRequest request, CancellationToken cancellationToken = default);

    /// <summary>What has become of records of the input log that were set aside, in the order of their offsets as given.</summary>
    [Alias("DeadLetters")]
    Task<IReadOnlyList<DeadLetterState>> DeadLetters(IReadOnlyList<long> offsets, CancellationToken cancellationToken = default);

    /// <summary>Waits until the input up to an offset is folded, and the changes it made are durable in the views' input logs.</summary>
    /// <returns>The offset folded and routed so far: at least the one requested, unless the time ran out.</returns>
    [Alias("WaitRouted")]
    Task<long> WaitRouted(long offset, TimeSpan timeout, CancellationToken cancellationToken = default);

    /// <summary>Readers wait from now on, while they are moved to another build; for 5 seconds at most.</summary>
    [Alias("HoldReads")]
    Task HoldReads();

    /// <summary>Readers go on, at the build that the catalog says.</summary>
    [Alias("ReleaseReads")]
    Task ReleaseReads();

    /// <summary>
    /// Sets aside the record before which the partition has stopped, and lets it continue; answers when a checkpoint with it is written.
    /// At once for a record that is set aside already. Throws <see cref="RequestRefusedException"/> when the partition stands elsewhere.
    /// </summary>
    [Alias("SetAside")]
    Task SetAside(long offset, TimeSpan timeout, CancellationToken cancellationToken = default);

    /// <summary>How it is doing, for the Orleans dashboard.</summary>
    [Alias("GetState")]
    Task<PartitionStatus> GetState();
}
