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

/// <summary>
/// Reads one key, again and again, on any silo that still has the partition. It hands back the position of its last answer, and after it
/// has appended a record that of the record, so it has to find what it wrote and never goes back.
/// </summary>
internal sealed class SimReader(Simulation simulation, ClientKey key) : IClient
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private Silo? _silo;
    private int _visit;
    private long _atLeast = -1;

    public ClientKey Key => key;

    public bool IsAtRest => true;

    /// <summary>All answers.</summary>
    internal List<StateRead> Answers { get; } = [];

    /// <summary>All pages of the partition's states that it has read: those after a key, at most so many.</summary>
    internal List<(string? After, int Limit, IReadOnlyList<StateRead> Rows)> Pages { get; } = [];

    /// <summary>What the view's log has to hold by an offset: the routes of a record that its source said to have routed.</summary>
    internal List<(Position Record, long By)> Routed { get; } = [];

    public void Act()
    {
        if (_silo is { Status: not SiloStatus.Crashed } || simulation.AnyOf(key.Dataset, key.Partition) is not var (silo, runner))
            return;
        (_silo, var visit) = (silo, ++_visit);
        silo.Run(simulation.Random.Next(3) == 0 ? () => ListAsync(runner, visit) : () => ReadAsync(runner, visit));
    }

    public void Appended(Position position, in NewRecord record)
    {
        if (key.Dataset.Topic == position.Topic && key.Partition == position.Partition)
            _atLeast = Math.Max(_atLeast, position.Offset);
        var source = key.Dataset.Sources.FirstOrDefault(source => source.Topic == position.Topic);
        if (source is not null && simulation.AnyOf(source, position.Partition) is var (silo, runner))
            silo.Run(() => WaitRoutedAsync(runner, position));
    }

    public override string ToString() => $"reader of {key} at {_atLeast}";

    private async Task WaitRoutedAsync(PartitionRunner source, Position position)
    {
        try
        {
            if (!await source.WaitRoutedAsync(position.Offset, Patience, CancellationToken.None))
                return;
            var end = simulation.Log.End(new(key.Dataset.Topic, key.Partition));
            Routed.Add((position, end));
            _atLeast = Math.Max(_atLeast, end - 1);
        }
        catch (PartitionClosedException error)
        {
            simulation.Trace($"{this} does not wait: {error.Message}");
        }
    }

    private async Task ListAsync(PartitionRunner runner, int visit)
    {
        try
        {
            var (after, limit) = (simulation.Random.Next(2) == 0 ? null : key.Key, simulation.Random.Next(1, 6));
            Pages.Add((after, limit, await runner.ListAsync("", after, limit, CancellationToken.None)));
            simulation.Trace($"{this} has listed");
        }
        catch (Exception error) when (error is PartitionClosedException or StoreUnavailableException)
        {
            simulation.Trace($"{this} cannot list: {error.Message}");
        }
        finally
        {
            if (visit == _visit)
                _silo = null;
        }
    }

    private async Task ReadAsync(PartitionRunner runner, int visit)
    {
        try
        {
            var atLeast = _atLeast;
            var begin = runner.Services.Time.GetTimestamp();
            var isForgotten = simulation.Lies(Sabotage.ForgetfulReader);
            var answer = await runner.ReadAtLeastAsync(key.Key, isForgotten ? -1 : atLeast, Patience, CancellationToken.None);
            if (visit != _visit)
                return;
            // When the time runs out, the answer says by its position that it is from before.
            var isLate = !isForgotten && runner.Services.Time.GetElapsedTime(begin) >= Patience;
            if (answer.Offset < atLeast && !isLate)
                simulation.Fail($"{this} went back from {atLeast} to {answer.Offset}.");
            Answers.Add(answer);
            _atLeast = Math.Max(_atLeast, answer.Offset);
            simulation.Trace($"{this} is answered");
        }
        catch (Exception error) when (error is PartitionClosedException or StoreUnavailableException)
        {
            simulation.Trace($"{this} is not answered: {error.Message}");
        }
        finally
        {
            if (visit == _visit)
                _silo = null;
        }
    }
}
