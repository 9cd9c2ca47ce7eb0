using ActorStreams.States;

namespace ActorStreams.Tests.Partitions;

/// <summary>The in-memory store with a fault that a test sets, and counted calls.</summary>
internal sealed class FaultyStore : IStateStore
{
    private readonly InMemoryStateStore _store = new();
    private int _calls;
    private Func<Task>? _afterLoad;
    private Func<Task>? _afterScan;

    /// <summary>The failure of every call; null where they succeed.</summary>
    internal Exception? Fault { get; set; }

    /// <summary>The failure of checkpoint writes; null where they succeed.</summary>
    internal Func<CheckpointWrite, Exception?> WriteFault { get; set; } = _ => null;

    /// <summary>What happens once, between the next query for states and its answer.</summary>
    internal Func<Task>? AfterLoad
    {
        set => _afterLoad = value;
    }

    /// <summary>What happens once, between the next scan of states and its answer.</summary>
    internal Func<Task>? AfterScan
    {
        set => _afterScan = value;
    }

    /// <summary>Checkpoints that were read or written, or tried to be.</summary>
    internal int Calls => Volatile.Read(ref _calls);

    public ValueTask<Checkpoint?> ReadCheckpointAsync(PartitionId partition, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _calls);
        return Fault is { } fault ? ValueTask.FromException<Checkpoint?>(fault) : _store.ReadCheckpointAsync(partition, cancellationToken);
    }

    public ValueTask<bool> WriteCheckpointAsync(CheckpointWrite write, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _calls);
        return (Fault ?? WriteFault(write)) is { } fault
            ? ValueTask.FromException<bool>(fault)
            : _store.WriteCheckpointAsync(write, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<StoredState>> LoadAsync(
        PartitionId partition, IReadOnlyCollection<string> keys, CancellationToken cancellationToken = default)
    {
        if (Fault is { } fault)
            throw fault;
        var states = await _store.LoadAsync(partition, keys, cancellationToken);
        if (Interlocked.Exchange(ref _afterLoad, null) is { } afterLoad)
            await afterLoad();
        return states;
    }

    public async ValueTask<IReadOnlyList<StoredState>> ScanAsync(
        PartitionId partition, string prefix, string? after, int limit, CancellationToken cancellationToken = default)
    {
        if (Fault is { } fault)
            throw fault;
        var states = await _store.ScanAsync(partition, prefix, after, limit, cancellationToken);
        if (Interlocked.Exchange(ref _afterScan, null) is { } afterScan)
            await afterScan();
        return states;
    }

    public ValueTask<IReadOnlyList<IReadOnlyList<StoredContribution>>> ScanContributionsAsync(
        PartitionId partition, IReadOnlyList<ContributionScan> scans, CancellationToken cancellationToken = default) =>
        _store.ScanContributionsAsync(partition, scans, cancellationToken);

    public ValueTask<IReadOnlyList<StoredContribution>> LoadContributionsAsync(
        PartitionId partition, IReadOnlyCollection<ContributionId> ids, CancellationToken cancellationToken = default) =>
        _store.LoadContributionsAsync(partition, ids, cancellationToken);

    public ValueTask<StoredCatalog> ReadCatalogAsync(CancellationToken cancellationToken = default) =>
        Fault is { } fault ? ValueTask.FromException<StoredCatalog>(fault) : _store.ReadCatalogAsync(cancellationToken);

    public ValueTask<bool> WriteCatalogAsync(StoredCatalog catalog, CancellationToken cancellationToken = default) =>
        Fault is { } fault ? ValueTask.FromException<bool>(fault) : _store.WriteCatalogAsync(catalog, cancellationToken);

    public ValueTask<IReadOnlyDictionary<string, string>> ReadDatasetsAsync(CancellationToken cancellationToken = default) =>
        _store.ReadDatasetsAsync(cancellationToken);

    public ValueTask DropAsync(string dataset, int build, CancellationToken cancellationToken = default) =>
        Fault is { } fault ? ValueTask.FromException(fault) : _store.DropAsync(dataset, build, cancellationToken);
}
