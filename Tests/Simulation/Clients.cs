using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.Partitions.Reading;
using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Watching;
using ActorStreams.States;
using ActorStreams.Tests.Simulation.Ports;

namespace ActorStreams.Tests.Simulation;

/// <summary>Somebody outside the cluster.</summary>
internal interface IClient
{
    ClientKey Key { get; }

    /// <summary>Whether it has nothing to wait for, as far as it knows.</summary>
    bool IsAtRest { get; }

    /// <summary>Does what it does now and then.</summary>
    void Act();

    /// <summary>A record was appended by this client.</summary>
    void Appended(Position position, in NewRecord record)
    {
    }
}

/// <summary>
/// Watches one key. It comes back after every end with the last position it has seen, to any silo that still has the partition.
/// </summary>
internal sealed class SimWatcher(Simulation simulation, ClientKey key) : IClient
{
    private Silo? _silo;
    private int _visit;
    private Action _leave = () => { };

    public ClientKey Key => key;

    /// <summary>All that it was given, over all its visits.</summary>
    internal List<WatchItem> Items { get; } = [];

    internal ChangePosition? Last { get; private set; }

    public bool IsAtRest => Last is not null && Checks.IsLast(simulation, key, Last.Value);

    public void Act()
    {
        if (_silo is { Status: not SiloStatus.Crashed })
        {
            if (simulation.IsChaos && simulation.Random.Next(4) == 0)
                Leave();
            return;
        }

        if (simulation.AnyOf(key.Dataset, key.Partition) is not var (silo, runner))
            return;
        // Not disposed: it has no timer.
        var leave = new CancellationTokenSource();
        (_silo, _leave) = (silo, leave.Cancel);
        var visit = ++_visit;
        simulation.Trace($"{this} comes to silo {silo.Number} with {Last}");
        silo.Run(() => WatchAsync(runner, visit, leave.Token));
    }

    public override string ToString() => $"watcher of {key} at {Last}";

    private void Leave() => _silo!.Run(() =>
    {
        _leave();
        return Task.CompletedTask;
    });

    private async Task WatchAsync(PartitionRunner runner, int visit, CancellationToken leave)
    {
        try
        {
            var later = simulation.Lies(Sabotage.LateWatcher) && Last is { Offset: >= 0 } ? 1 : 0;
            var since = Last is { } last ? last with { Offset = last.Offset + later } : Last;
            await foreach (var item in runner.WatchAsync(key.Key, since, leave))
            {
                if (visit != _visit)
                    return;
                Take(item);
            }
        }
        catch (Exception error) when (error is WatchEndedException or PartitionClosedException or LogUnavailableException
            or StoreUnavailableException or OperationCanceledException)
        {
            simulation.Trace($"{this} ends: {error.Message}");
        }
        catch (UnknownPositionException error) when (simulation.Log.Start(new(key.Dataset.Topic, key.Partition)) > 0)
        {
            // What it has missed can no longer be read: it begins again from the state.
            simulation.Trace($"{this} begins again: {error.Message}");
            if (visit == _visit)
                Last = null;
        }
        finally
        {
            if (visit == _visit)
                _silo = null;
        }
    }

    private void Take(in WatchItem item)
    {
        Items.Add(item);
        Last = item.Change is { } change ? change.Position : new(key.Partition, item.State!.Offset, ChangePosition.AllOfRecord);
        simulation.Trace($"{this} takes it");
    }
}
