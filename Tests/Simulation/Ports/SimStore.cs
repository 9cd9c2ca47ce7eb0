using ActorStreams.States;

namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>The state store as one silo reaches it: every call takes its time, fails, or comes late.</summary>
internal sealed class SimStorePort(Simulation simulation, Silo silo) : IStateStore
{
    private readonly StoreLies _lies = new(simulation);

    private InMemoryStateStore Storage => simulation.Store;

    public ValueTask<Checkpoint?> ReadCheckpointAsync(PartitionId partition, CancellationToken cancellationToken = default) => Call(
        $"checkpoint of {partition}",
        () => _lies.Read(partition, SimLog.Now(Storage.ReadCheckpointAsync(partition, CancellationToken.None))), cancellationToken);

    public ValueTask<bool> WriteCheckpointAsync(CheckpointWrite write, CancellationToken cancellationToken = default) => Call(
        $"checkpoint {write.Checkpoint.Number} at {write.Checkpoint.Position} of {write.Partition}", () => Write(write), cancellationToken,
        isWrite: true);

    public ValueTask<IReadOnlyList<StoredState>> LoadAsync(
        PartitionId partition, IReadOnlyCollection<string> keys, CancellationToken cancellationToken = default) => Call(
        $"load {string.Join(' ', keys)} of {partition}",
        () => _lies.Load(partition, SimLog.Now(Storage.LoadAsync(partition, keys, CancellationToken.None))), cancellationToken);

    public ValueTask<IReadOnlyList<StoredState>> ScanAsync(
        PartitionId partition, string prefix, string? after, int limit, CancellationToken cancellationToken = default) => Call(
        $"scan {partition}", () => SimLog.Now(Storage.ScanAsync(partition, prefix, after, limit, CancellationToken.None)),
        cancellationToken);

    public ValueTask<IReadOnlyList<IReadOnlyList<StoredContribution>>> ScanContributionsAsync(
        PartitionId partition, IReadOnlyList<ContributionScan> scans, CancellationToken cancellationToken = default) => Call(
        $"scan contributions of {partition}",
        () => SimLog.Now(Storage.ScanContributionsAsync(partition, scans, CancellationToken.None)), cancellationToken);

    public ValueTask<IReadOnlyList<StoredContribution>> LoadContributionsAsync(
        PartitionId partition, IReadOnlyCollection<ContributionId> ids, CancellationToken cancellationToken = default) => Call(
        $"load contributions of {partition}",
        () => SimLog.Now(Storage.LoadContributionsAsync(partition, ids, CancellationToken.None)), cancellationToken);

    public ValueTask<StoredCatalog> ReadCatalogAsync(CancellationToken cancellationToken = default) => Call(
        "catalog", () => SimLog.Now(Storage.ReadCatalogAsync(CancellationToken.None)), cancellationToken);

    public ValueTask<bool> WriteCatalogAsync(StoredCatalog catalog, CancellationToken cancellationToken = default) => Call(
        $"catalog {catalog.Number}", () => SimLog.Now(Storage.WriteCatalogAsync(catalog, CancellationToken.None)), cancellationToken,
        isWrite: true);

    public ValueTask<IReadOnlyDictionary<string, string>> ReadDatasetsAsync(CancellationToken cancellationToken = default) =>
        Storage.ReadDatasetsAsync(cancellationToken);

    public async ValueTask DropAsync(string dataset, int build, CancellationToken cancellationToken = default) => await Call(
        $"drop {dataset}.b{build}",
        () =>
        {
            SimLog.Now(Storage.DropAsync(dataset, build, CancellationToken.None));
            return true;
        },
        cancellationToken, isWrite: true);

    private bool Write(CheckpointWrite write)
    {
        if (simulation.Poison.Refuses(write))
            throw new RefusedException("The store takes no such state.");
        var before = SimLog.Now(Storage.ReadCheckpointAsync(write.Partition));
        var written = SimLog.Now(Storage.WriteCheckpointAsync(_lies.Write(write, before)));
        if (written && write.Checkpoint.Position < before?.Position)
            simulation.Fail($"The checkpoint of {write.Partition} fell from {before.Position} to {write.Checkpoint.Position}.");
        return written;
    }

    private ValueTask<T> Call<T>(string name, Func<T> effect, CancellationToken cancellationToken, bool isWrite = false)
    {
        simulation.RequireThread(name);
        var terms = new CallTerms(name, Faults.Store, 60, static () => new StoreUnavailableException("The store does not answer."))
        {
            IsWrite = isWrite,
        };
        var call = new SimCall<T>(simulation, silo, terms, effect, cancellationToken);
        simulation.Begin(call);
        return new(call.Task);
    }
}
