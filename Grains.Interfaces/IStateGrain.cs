namespace ActorStreams.Grains;

/// <summary>
/// The virtual actor of one key of a dataset: what clients talk to. It is addressed as <c>dataset/key</c>, lives beside the partition
/// that owns the key, and costs nothing until it is called.
/// </summary>
[Alias("ActorStreams.IStateGrain")]
public interface IStateGrain : IGrainWithStringKey
{
    /// <summary>
    /// The state, the position it reflects, and how far the partition is behind; waits first if a position is requested.
    /// </summary>
    [Alias("Get")]
    Task<StateReply> Get(ReadRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// The current state and then every change after it, or from a position on only the changes; no gap and no repeat. Ends with
    /// <see cref="WatchBrokenException"/> when it must be resumed from the last position seen.
    /// </summary>
    [Alias("Watch")]
    IAsyncEnumerable<WatchReply> Watch(WatchRequest request, CancellationToken cancellationToken = default);
}

/// <summary>The virtual actor of one entity.</summary>
[Alias("ActorStreams.IEntityGrain")]
public interface IEntityGrain : IStateGrain
{
    /// <summary>
    /// Appends a record with this entity's key, and answers its position once it is durable. It is folded soon after; see
    /// <see cref="ReadRequest.AtLeast"/>.
    /// </summary>
    [Alias("Append")]
    Task<PositionReply> Append(AppendRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// The state as text, for the Orleans dashboard: it looks for this on the grain's own interface, not on those it inherits.
    /// </summary>
    [Alias("GetState")]
    Task<StateText> GetState();
}

/// <summary>The virtual actor of one key of a derived view.</summary>
[Alias("ActorStreams.IViewGrain")]
public interface IViewGrain : IStateGrain
{
    /// <inheritdoc cref="IEntityGrain.GetState"/>
    [Alias("GetState")]
    Task<StateText> GetState();
}
