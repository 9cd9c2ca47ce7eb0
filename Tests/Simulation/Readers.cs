using ActorStreams.Definitions;
using ActorStreams.Grains.Reads;
using ActorStreams.Log;
using ActorStreams.Partitions.Reading;
using ActorStreams.Partitions.Running;
using ActorStreams.States;

namespace ActorStreams.Tests.Simulation;

/// <summary>
/// Reads one key, again and again, on any silo that still has the partition. It hands back the position of its last answer, and after it
/// has appended a record that of the record, so it has to find what it wrote and never goes back.
/// </summary>
internal sealed class SimReader(Simulation simulation, ClientKey key) : IClient
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Records that it has appended, to any topic behind the key's dataset, since it last read what became of them.</summary>
    private readonly List<Position> _written = [];
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

    /// <summary>Records that were waited for through all datasets between, each with the position of the answer.</summary>
    internal List<(Position Record, long Offset)> ReadAfter { get; } = [];

    public void Act()
    {
        if (_silo is { Status: not SiloStatus.Crashed } || simulation.AnyOf(key.Dataset, key.Partition) is not var (silo, runner))
            return;
        (_silo, var visit) = (silo, ++_visit);
        silo.Run(simulation.Random.Next(3) switch
        {
            0 => () => ListAsync(runner, visit),
            1 when _written.Count > 0 => () => ReadAfterAsync(runner, visit),
            _ => () => ReadAsync(runner, visit),
        });
    }

    public void Appended(Position position, in NewRecord record)
    {
        if (key.Dataset.Topic == position.Topic && key.Partition == position.Partition)
            _atLeast = Math.Max(_atLeast, position.Offset);
        if (LineageWait.IsBehind(key.Dataset, position.Topic))
            _written.Add(position);
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

    /// <summary>Reads its own writes: all that became of some records, through any number of views.</summary>
    private async Task ReadAfterAsync(PartitionRunner runner, int visit)
    {
        try
        {
            List<Position> records = [.. _written];
            _written.Clear();
            var services = runner.Services;
            var deadline = new Deadline(services.Time, Patience);
            if (await OffsetsAsync(services, records, deadline) is not { } offsets)
                return;
            var atLeast = offsets.GetValueOrDefault(key.Partition, -1);
            var answer = await runner.ReadAtLeastAsync(key.Key, atLeast, deadline.Left, CancellationToken.None);
            if (visit != _visit || answer.Offset < atLeast)
                return;
            Answers.Add(answer);
            ReadAfter.AddRange(records.Select(record => (record, answer.Offset)));
            simulation.Trace($"{this} has read after {string.Join(' ', records)}");
        }
        catch (Exception error) when (error is PartitionClosedException or StoreUnavailableException or LogUnavailableException)
        {
            simulation.Trace($"{this} is not answered after a write: {error.Message}");
        }
        finally
        {
            if (visit == _visit)
                _silo = null;
        }
    }

    private async Task<IReadOnlyDictionary<int, long>?> OffsetsAsync(PartitionServices services, List<Position> records, Deadline deadline)
    {
        if (!simulation.Lies(Sabotage.HastyReader))
            return await new LineageWait(simulation.Topology, services.Log, (dataset, partition, offset, _, _) =>
                RoutedAsync(dataset, partition, offset, deadline, services.Time))
                .RunAsync(key.Dataset, records, deadline, CancellationToken.None);
        var end = simulation.Log.End(new(key.Dataset.Topic, key.Partition));
        return new Dictionary<int, long> { [key.Partition] = end - 1 };
    }

    /// <summary>Asks a partition on any silo, which may crash meanwhile.</summary>
    private async Task<bool> RoutedAsync(Dataset dataset, int partition, long offset, Deadline deadline, TimeProvider time)
    {
        if (simulation.AnyOf(dataset, partition) is not var (silo, runner))
            return false;
        var routed = new TaskCompletionSource<bool>();
        silo.Run(async () =>
        {
            try
            {
                routed.TrySetResult(await runner.WaitRoutedAsync(offset, deadline.Left, CancellationToken.None));
            }
            catch (PartitionClosedException)
            {
                routed.TrySetResult(false);
            }
        });
        try
        {
            return await routed.Task.WaitAsync(deadline.Left, time);
        }
        catch (TimeoutException)
        {
            return false;
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
