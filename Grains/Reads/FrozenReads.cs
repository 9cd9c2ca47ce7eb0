using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.States;

namespace ActorStreams.Grains.Reads;

/// <summary>
/// Reads of a build whose definition no silo knows: its states as they were stored (semantics §7). They say how old they are, and a read
/// that waits for positions does not reach them.
/// </summary>
internal sealed class FrozenReads(IStateStore store, LiveBuilds builds, TimeProvider time)
{
    internal async Task<StateReply> ReadAsync(Dataset dataset, int partition, string key, long atLeast, CancellationToken cancellationToken)
    {
        var checkpoint = await BeginAsync(dataset, partition, cancellationToken);
        var found = await store.LoadAsync(new(dataset.Name, dataset.Build, partition), [key], cancellationToken);
        var reply = Reply(dataset, partition, found.Count == 0 ? new(key, default, -1, 0) : found[0], checkpoint);
        return reply with { State = found.Count == 0 ? null : reply.State, Reached = atLeast < 0 || atLeast < (checkpoint?.Position ?? 0) };
    }

    internal async Task<IReadOnlyList<StateReply>> ListAsync(
        Dataset dataset, int partition, ListRequest request, CancellationToken cancellationToken)
    {
        var checkpoint = await BeginAsync(dataset, partition, cancellationToken);
        var found = await store.ScanAsync(
            new(dataset.Name, dataset.Build, partition), request.Prefix, request.After, request.Limit, cancellationToken);
        return [.. found.Select(state => Reply(dataset, partition, state, checkpoint))];
    }

    internal async Task<PartitionStatus> StatusAsync(Dataset dataset, int partition)
    {
        var checkpoint = await store.ReadCheckpointAsync(new(dataset.Name, dataset.Build, partition));
        return PartitionStatus.Unreachable(
            dataset.Name, partition, "No silo knows its definition: its states are as they were stored.") with
        {
            Status = "frozen", Build = dataset.Build, NextOffset = checkpoint?.Position ?? 0, EndOffset = checkpoint?.Position ?? 0,
            States = checkpoint?.States ?? 0, BehindSeconds = SecondsSince(dataset),
        };
    }

    /// <summary>Nobody gates these readers: each asks the store whether the build is still the one.</summary>
    /// <exception cref="BuildSupersededException">Readers get another build.</exception>
    private async Task<Checkpoint?> BeginAsync(Dataset dataset, int partition, CancellationToken cancellationToken)
    {
        await builds.FollowAsync(cancellationToken);
        if (builds.Catalog.ActiveOf(dataset.Name)?.Number != dataset.Build)
            throw new BuildSupersededException($"Readers of {dataset} get another build than {dataset.Build}.");
        return await store.ReadCheckpointAsync(new(dataset.Name, dataset.Build, partition), cancellationToken);
    }

    private StateReply Reply(Dataset dataset, int partition, StoredState state, Checkpoint? checkpoint) => new()
    {
        Key = state.Key, State = state.State.ToArray(), Timestamp = state.Timestamp, Build = dataset.Build,
        Position = new(dataset.Topic, partition, (checkpoint?.Position ?? 0) - 1), BehindSeconds = SecondsSince(dataset),
    };

    /// <summary>How old the states are: the time since the build lacked its first change.</summary>
    private double SecondsSince(Dataset dataset) => builds.Catalog.Find(dataset.Id)?.Detached is { } since
        ? Math.Max(0, (time.GetUtcNow() - since).TotalSeconds) : 0;
}
