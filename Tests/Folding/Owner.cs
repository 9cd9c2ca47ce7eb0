using System.Reflection;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Folding;

/// <summary>One activation of a partition's owner: starts from the checkpoint, and shares nothing else with its predecessors.</summary>
internal sealed class Owner
{
    private readonly World _world;
    private readonly PartitionFold _fold;
    private readonly TopicPartition _input;
    /// <summary>Appends that have not landed yet, in order for each partition of each view.</summary>
    private readonly Dictionary<(string Topic, int Partition), Queue<Frame>> _inFlight = [];
    private long? _stored;

    private Owner(World world, Dataset dataset, int partition)
    {
        _world = world;
        _input = new(dataset.Topic, partition);
        _fold = dataset.CreateFold(partition, new()
        {
            TableEntries = world.Random.Next(1, 8),
            MaxFrameBytes = world.Random.Next(1, 600),
            SpareRanks = world.Random.Next(0, 4),
            KnownElements = world.Random.Next(1, 8),
        });
    }

    private bool InFlight => _inFlight.Values.Any(queue => queue.Count > 0);

    internal static async Task<Owner> StartAsync(World world, Dataset dataset, int partition)
    {
        var owner = new Owner(world, dataset, partition);
        var checkpoint = await world.Store.ReadCheckpointAsync(owner._fold.Id);
        owner._fold.Restore(checkpoint);
        owner._stored = checkpoint?.Position;
        return owner;
    }

    internal async Task<bool> AtEndAsync() =>
        (await _world.Log.OffsetsAsync(_input.Topic))[_input.Partition].End == _fold.NextOffset;

    /// <summary>Folds some records, if there are any; false when this owner found that it is no longer one.</summary>
    internal async Task<bool> RunBatchAsync(int records)
    {
        if (await AtEndAsync())
            return true;
        if (_world.Sabotage == Sabotage.NoMarks)
            ForgetMarks();
        if (_world.Sabotage == Sabotage.EveryRedrive)
            TakeEveryRedrive();
        await using var batches = _world.Log.ReadAsync(_input, _fold.NextOffset, new(records, int.MaxValue)).GetAsyncEnumerator();
        await batches.MoveNextAsync();
        try
        {
            Send((await _fold.FoldAsync(batches.Current, _world.Store)).Frames);
            return true;
        }
        catch (StaleOwnerException)
        {
            return false;
        }
    }

    private void Send(List<Frame> frames)
    {
        foreach (var frame in frames)
        {
            if (!_inFlight.TryGetValue((frame.View.Topic, frame.Partition), out var queue))
                _inFlight.Add((frame.View.Topic, frame.Partition), queue = []);
            queue.Enqueue(frame);
        }
    }

    /// <summary>By reflection, since the fold itself has no way to do this.</summary>
    private void ForgetMarks() => _fold.GetType().BaseType!
        .GetProperty("Marks", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(_fold, new Marks());

    private void TakeEveryRedrive()
    {
        if (_fold.GetType().GetField("_setAside", BindingFlags.Instance | BindingFlags.NonPublic) is not { } field)
            return;
        var all = new SetAsideOffsets();
        all.AddLost(0, long.MaxValue);
        field.SetValue(_fold, all);
    }

    internal async Task LandAsync(int count)
    {
        while (count-- > 0 && InFlight)
        {
            var waiting = _inFlight.Where(queue => queue.Value.Count > 0).OrderBy(queue => queue.Key).ToList();
            var (target, queue) = waiting[_world.Random.Next(waiting.Count)];
            var frame = queue.Dequeue();
            await _world.Log.AppendAsync(
                target.Topic, [new() { Partition = target.Partition, Timestamp = frame.Timestamp, Value = frame.Bytes }]);
        }
    }

    /// <summary>False: another owner has moved the checkpoint, so this one must stop.</summary>
    internal async Task<bool> CheckpointAsync()
    {
        if (InFlight && _world.Sabotage != Sabotage.CheckpointBeforeAcks)
            return true;
        var write = _fold.BeginCheckpoint(_stored);
        // A checkpoint may be under way while the next batches are folded, but is said to be written only between them.
        if (!await _world.Store.WriteCheckpointAsync(write))
            return false;
        if (_world.Random.Next(2) == 0 && !await RunBatchAsync(_world.Random.Next(1, 5)))
            return false;
        _fold.CheckpointWritten();
        _stored = write.Checkpoint.Position;
        return true;
    }
}
