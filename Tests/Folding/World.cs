using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Folding;

/// <summary>How the protocol is broken on purpose, to see that the test can fail.</summary>
internal enum Sabotage
{
    None,

    /// <summary>Marks are forgotten before every batch.</summary>
    NoMarks,

    /// <summary>Checkpoints do not wait until appends have landed.</summary>
    CheckpointBeforeAcks,

    /// <summary>Every redrive is folded, also the second of one dead letter.</summary>
    EveryRedrive,
}

/// <summary>
/// The system of semantics §4 and §5 on the real fold, log and store, with all that can go wrong: owners that crash at any moment, zombies
/// that go on beside their successors, appends that land late or never, and random batches, frames, table sizes and checkpoints.
/// </summary>
internal sealed class World(Topology topology, InMemoryChangeLog log, Random random, Sabotage sabotage = Sabotage.None)
{
    internal Topology Topology => topology;

    internal InMemoryChangeLog Log => log;

    internal InMemoryStateStore Store { get; init; } = new();

    internal Random Random => random;

    internal Sabotage Sabotage => sabotage;

    internal async Task RunAsync(int steps)
    {
        await CreateTopicsAsync();
        var partitions = await PartitionsAsync();
        List<Owner> owners = [];
        List<Owner> dead = [];
        for (var step = 0; step < steps; step++)
        {
            if (owners.Count == 0 || random.Next(100) < 10)
            {
                var (dataset, partition) = partitions[random.Next(partitions.Count)];
                owners.Add(await Owner.StartAsync(this, dataset, partition));
            }
            else
            {
                await StepAsync(owners, dead);
            }
        }

        foreach (var ghost in dead.Where(_ => random.Next(2) == 0))
            await ghost.LandAsync(int.MaxValue);
        await FinishAsync(partitions);
    }

    /// <summary>What the store has of every dataset: the states of all its partitions.</summary>
    internal async Task<SortedDictionary<string, string>> StatesAsync(Dataset dataset)
    {
        var states = new SortedDictionary<string, string>(KeyOrder.Instance);
        var places = new Dictionary<string, (bool, long, int)>();
        foreach (var (_, partition) in (await PartitionsAsync()).Where(p => p.Dataset == dataset))
        {
            var id = new PartitionId(dataset.Name, dataset.Version, partition);
            var stored = await Store.ScanAsync(id, "", null, int.MaxValue);
            foreach (var state in stored)
            {
                var place = dataset.PlaceOf(state.Key, partition, state.Timestamp, (await log.DescribeAsync(dataset.Topic))!.Partitions);
                if (places.TryGetValue(state.Key, out var other) && other.CompareTo(place) > 0)
                    continue;
                places[state.Key] = place;
                states[state.Key] = System.Text.Encoding.UTF8.GetString(state.State.Span);
            }

            Assert.Equal(stored.Count, (await Store.ReadCheckpointAsync(id))!.States);
        }

        return states;
    }

    /// <summary>The datasets whose states differ from those of a batch.</summary>
    internal async Task<List<string>> DifferencesAsync(BatchResult batch)
    {
        var differences = new List<string>();
        foreach (var dataset in topology.Datasets)
        {
            var live = string.Join("\n", (await StatesAsync(dataset)).Select(state => $"{state.Key} {state.Value}"));
            var expected = string.Join(
                "\n", batch.Json(dataset.Name).Select(state => $"{state.Key} {System.Text.Encoding.UTF8.GetString(state.Value)}"));
            if (live != expected)
                differences.Add($"{dataset} of {dataset.StateType}\nlive:\n{live}\nbatch:\n{expected}");
        }

        return differences;
    }

    private async Task StepAsync(List<Owner> owners, List<Owner> dead)
    {
        var dice = random.Next(100);
        var owner = owners[random.Next(owners.Count)];
        if (dice < 9)
        {
            Die(owner);
        }
        else if (dice < 15)
        {
            if (dead.Count == 0)
                return;
            // What was in flight lands late, or is lost.
            var ghost = dead[random.Next(dead.Count)];
            await ghost.LandAsync(random.Next(5));
            if (random.Next(3) == 0)
                dead.Remove(ghost);
        }
        else if (dice < 58)
        {
            if (!await owner.RunBatchAsync(random.Next(1, 8)))
                Die(owner);
        }
        else if (dice < 82)
        {
            await owner.LandAsync(random.Next(1, 7));
        }
        else if (!await owner.CheckpointAsync())
        {
            Die(owner);
        }

        void Die(Owner who)
        {
            owners.Remove(who);
            dead.Add(who);
        }
    }

    /// <summary>Sources first, each partition to its end.</summary>
    private async Task FinishAsync(List<(Dataset Dataset, int Partition)> partitions)
    {
        foreach (var (dataset, partition) in partitions)
        {
            var owner = await Owner.StartAsync(this, dataset, partition);
            while (!await owner.AtEndAsync())
                Assert.True(await owner.RunBatchAsync(random.Next(1, 50)));
            await owner.LandAsync(int.MaxValue);
            Assert.True(await owner.CheckpointAsync());
        }
    }

    private async Task CreateTopicsAsync()
    {
        foreach (var view in topology.Datasets.Where(dataset => dataset.Kind == DatasetKind.View))
            await log.CreateTopicAsync(view.Topic, view.Partitions);
    }

    private async Task<List<(Dataset Dataset, int Partition)>> PartitionsAsync()
    {
        var partitions = new List<(Dataset, int)>();
        foreach (var dataset in topology.Datasets)
            partitions.AddRange(Enumerable.Range(0, (await log.DescribeAsync(dataset.Topic))!.Partitions)
                .Select(partition => (dataset, partition)));
        return partitions;
    }
}
