using ActorStreams.Client.Calls;
using ActorStreams.Protocol;

namespace ActorStreams.Client;

/// <summary>
/// The builds of the datasets: how far each is, and what may be done with them. Returned by <see cref="ActorStreamsClient.Builds"/>.
/// Everything but <see cref="ListAsync"/> needs the right to operate, and over HTTP is at the address of the operations port where silos
/// have one (<c>Silo:OperationsPort</c>). What is refused throws <see cref="ActorStreamsException"/> with status 404 or 409.
/// </summary>
public sealed class BuildsClient
{
    private readonly ITransport _transport;

    internal BuildsClient(ITransport transport) => _transport = transport;

    /// <summary>All builds, in the order in which they were made.</summary>
    public Task<IReadOnlyList<BuildInfo>> ListAsync(CancellationToken cancellationToken = default) =>
        _transport.BuildsAsync(cancellationToken);

    /// <summary>Makes new builds of a dataset and of what depends on it, beside those that readers get.</summary>
    /// <returns>All builds.</returns>
    public Task<IReadOnlyList<BuildInfo>> RebuildAsync(string dataset, CancellationToken cancellationToken = default) =>
        _transport.ChangeAsync(new(BuildAct.Rebuild, dataset), cancellationToken);

    /// <summary>
    /// Moves readers to the newest builds of a dataset and of all that is connected with it, in one step; or of all datasets.
    /// </summary>
    /// <returns>All builds.</returns>
    public Task<IReadOnlyList<BuildInfo>> CutoverAsync(string? dataset = null, CancellationToken cancellationToken = default) =>
        _transport.ChangeAsync(new(BuildAct.Cutover, dataset), cancellationToken);

    /// <summary>Moves readers of a dataset, and of what depends on it, back to the builds that they had before.</summary>
    /// <returns>All builds.</returns>
    public Task<IReadOnlyList<BuildInfo>> RollbackAsync(string dataset, CancellationToken cancellationToken = default) =>
        _transport.ChangeAsync(new(BuildAct.Rollback, dataset), cancellationToken);

    /// <summary>Deletes a build that readers do not get, and those that it feeds.</summary>
    /// <returns>All builds; those that are being deleted are retired.</returns>
    public Task<IReadOnlyList<BuildInfo>> RetireAsync(string dataset, int build, CancellationToken cancellationToken = default) =>
        _transport.ChangeAsync(new(BuildAct.Retire, dataset, build), cancellationToken);
}
