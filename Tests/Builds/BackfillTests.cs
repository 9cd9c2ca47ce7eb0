using System.Text;
using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Reducing;
using ActorStreams.States;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Builds;

/// <summary>
/// A view that comes to a source which has folded long before: its states are sent in chunks between checkpoints, while records come in and
/// the owner crashes at any moment, with any part of its frames appended. The view is what a batch gives.
/// </summary>
public sealed class BackfillTests
{
    private static int Worlds => Environment.GetEnvironmentVariable("SEED") is null ? 300 : 1;

    [Fact]
    public async Task A_view_that_is_backfilled_through_crashes_is_what_a_batch_gives()
    {
        for (var world = 0; world < Worlds; world++)
        {
            var seed = EndToEndTest.Number("SEED", Random.Shared.Next());
            try
            {
                await new World(new Random(seed)).RunAsync();
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"SEED={seed}: {error.Message}", error);
            }
        }
    }

    [Fact]
    public async Task A_chunk_that_is_repeated_after_a_checkpoint_at_the_same_place_is_not_counted_twice()
    {
        var world = new World(new Random(1));
        await world.AppendAsync(20);
        await world.OpenAsync(withViews: false);
        await world.FoldAllAsync();
        await world.CheckpointAsync();
        await world.OpenAsync(withViews: true);
        for (var crash = 0; crash < 3; crash++)
        {
            await world.ChunkAsync();
            await world.AppendFramesAsync(int.MaxValue);
            await world.OpenAsync(withViews: true);
        }

        await world.FinishAsync();
    }

    /// <summary>One partition of an entity, and two views of one partition each.</summary>
    private sealed class World(Random random)
    {
        private static readonly string[] Groups = ["a", "b", "c", "é", "𝄞"];
        private readonly Topology _before = Of(withViews: false);
        private readonly Topology _topology = Of(withViews: true);
        private readonly InMemoryChangeLog _log = new();
        private readonly InMemoryStateStore _store = new();
        private readonly List<Owner> _formerOwners = [];
        private Owner? _owner;

        /// <summary>Whoever has written the last checkpoint is the owner, whatever was thought before.</summary>
        private void Owns(Owner owner)
        {
            if (_owner == owner)
                return;
            _formerOwners.Remove(owner);
            _formerOwners.Add(_owner!);
            _owner = owner;
        }

        internal bool RandomlyCrashes() => random.Next(4) == 0;

        private Dataset Thing => _topology.Of<Thing>();

        internal async Task RunAsync()
        {
            await AppendAsync(random.Next(60));
            await OpenAsync(withViews: false);
            await StepsAsync(random.Next(30), withViews: false);
            await CheckpointAsync();
            await OpenAsync(withViews: true);
            await StepsAsync(random.Next(5, 120), withViews: true);
            await FinishAsync();
        }

        /// <summary>The owner ends, or goes on believing that it is the owner; another begins at the checkpoint.</summary>
        internal async Task OpenAsync(bool withViews)
        {
            if (_owner is not null && _owner.Fold.Edges.Any() && random.Next(2) == 0)
                _formerOwners.Add(_owner);
            var fold = (withViews ? _topology : _before).Of<Thing>().CreateFold(
                0, new() { TableEntries = random.Next(1, 8), ChunkStates = random.Next(1, 6), ChunkBytes = random.Next(1, 400) });
            fold.Restore(await _store.ReadCheckpointAsync(fold.Id));
            _owner = new(this, fold);
            await _owner.KeepChunkAsync();
        }

        internal async Task FinishAsync()
        {
            await FoldAllAsync();
            await CheckpointAsync();
            while (_owner!.Fold.Backfilling is not null)
            {
                await ChunkAsync();
                await FoldAllAsync();
                await CheckpointAsync();
            }

            var batch = await new BatchRunner(_topology, _log).RunAsync();
            await AssertIsAsync<ThingSum>(batch);
            await AssertIsAsync<HighestThing>(batch);
        }

        internal async Task AppendAsync(int count)
        {
            await _log.CreateTopicAsync(Thing.Topic, 1);
            foreach (var view in Thing.Dependents)
                await _log.CreateTopicAsync(view.Topic, 1);
            for (var i = 0; i < count; i++)
            {
                var value = random.Next(6) == 0 ? default(ReadOnlyMemory<byte>?) : JsonSerializer.SerializeToUtf8Bytes(
                    new Thing(Groups[random.Next(Groups.Length)], random.Next(-5, 100)), _topology.Of<Thing>().Json);
                await _log.AppendAsync(
                    Thing.Topic,
                    [new() { Partition = 0, Timestamp = i, Key = Encoding.UTF8.GetBytes($"k{random.Next(14)}"), Value = value }]);
            }
        }

        internal async Task FoldAllAsync()
        {
            while (await _owner!.FoldAsync(10))
            {
            }
        }

        internal async Task CheckpointAsync() => Assert.True(await _owner!.CheckpointAsync());

        internal async Task ChunkAsync()
        {
            if (_owner!.Fold is { Backfilling: { } edge, Chunking: null })
                await _owner.BeginChunkAsync(edge);
        }

        internal Task AppendFramesAsync(int most) => _owner!.AppendFramesAsync(most);

        private static Topology Of(bool withViews)
        {
            var builder = new TopologyBuilder { DefaultPartitions = 1 }.AddEntity<Thing>();
            return (withViews ? builder.AddView<ThingSum>().AddView<HighestThing>() : builder).Build();
        }

        private async Task StepsAsync(int steps, bool withViews)
        {
            for (var step = 0; step < steps; step++)
            {
                switch (random.Next(14))
                {
                    case 0:
                        await AppendAsync(random.Next(4));
                        break;
                    case < 5:
                        await _owner!.FoldAsync(random.Next(1, 4));
                        break;
                    case < 7:
                        await CheckpointAsync();
                        break;
                    case < 10 when withViews && _owner!.Fold.StoredNumber > 0:
                        await ChunkAsync();
                        break;
                    case 10:
                        await AppendFramesAsync(random.Next(4));
                        break;
                    case 11 or 12 when _formerOwners.Count > 0:
                        await ActAsync(_formerOwners[random.Next(_formerOwners.Count)]);
                        break;
                    default:
                        await AppendFramesAsync(random.Next(9));
                        await OpenAsync(withViews);
                        break;
                }
            }
        }

        /// <summary>A former owner goes on, until it finds out.</summary>
        private async Task ActAsync(Owner former)
        {
            try
            {
                await former.FoldAsync(random.Next(1, 4));
                await former.AppendFramesAsync(random.Next(6));
                if (random.Next(4) == 0 && !await former.CheckpointAsync())
                    _formerOwners.Remove(former);
            }
            catch (StaleOwnerException)
            {
                _formerOwners.Remove(former);
            }
        }

        /// <summary>The view's own partition folds its input log in batches of any size, with crashes of its own.</summary>
        private async Task AssertIsAsync<TView>(BatchResult batch)
        {
            var view = _topology.Of<TView>();
            PartitionFold? fold = null;
            var end = (await _log.OffsetsAsync(view.Topic))[0].End;
            while (fold is null || fold.NextOffset < end)
            {
                if (fold is null || random.Next(4) == 0)
                {
                    fold = view.CreateFold(0, new() { TableEntries = random.Next(1, 5) });
                    fold.Restore(await _store.ReadCheckpointAsync(fold.Id));
                    if (fold.NextOffset >= end)
                        break;
                }

                await using var batches =
                    _log.ReadAsync(new(view.Topic, 0), fold.NextOffset, new(random.Next(1, 5), int.MaxValue)).GetAsyncEnumerator();
                await batches.MoveNextAsync();
                Assert.Empty((await fold.FoldAsync(batches.Current, _store)).DeadLetters);
                if (random.Next(2) == 0 || fold.NextOffset >= end)
                {
                    Assert.True(await _store.WriteCheckpointAsync(fold.BeginCheckpoint()));
                    fold.CheckpointWritten();
                }
            }

            var states = await _store.ScanAsync(new(view.Name, view.Build, 0), "", null, int.MaxValue);
            Assert.Equal(
                batch.Json(view.Name).Select(row => $"{row.Key} {Encoding.UTF8.GetString(row.Value)}"),
                states.Select(state => $"{state.Key} {Encoding.UTF8.GetString(state.State.Span)}"));
        }

        /// <summary>One owner of the entity's partition, as <c>PartitionSession</c> is one.</summary>
        private sealed class Owner(World world, PartitionFold fold)
        {
            private readonly Queue<Frame> _frames = [];

            internal PartitionFold Fold => fold;

            internal async Task<bool> FoldAsync(int records)
            {
                await KeepChunkAsync();
                var topic = world.Thing.Topic;
                if (fold.NextOffset >= (await world._log.OffsetsAsync(topic))[0].End)
                    return false;
                await using var batches =
                    world._log.ReadAsync(new(topic, 0), fold.NextOffset, new(records, int.MaxValue)).GetAsyncEnumerator();
                await batches.MoveNextAsync();
                var batch = batches.Current;
                if (fold.Chunking is { } edge && edge.ChunkAt < batch.NextOffset)
                {
                    Send(await fold.FoldAsync(batch.Before(edge.ChunkAt), world._store));
                    await KeepChunkAsync();
                    batch = batch.From(edge.ChunkAt);
                }

                Send(await fold.FoldAsync(batch, world._store));
                await KeepChunkAsync();
                return true;
            }

            internal async Task BeginChunkAsync(EdgeReach edge)
            {
                fold.BeginChunk(edge);
                Assert.True(await CheckpointAsync());
                if (world.RandomlyCrashes())
                    await world.OpenAsync(withViews: true);
                else
                    await KeepChunkAsync();
            }

            internal async Task KeepChunkAsync()
            {
                while (fold.IsChunkDue)
                {
                    var edge = fold.Chunking!;
                    if (edge.Stage == EdgeReach.Stages.Fencing)
                    {
                        Send(fold.Fence(edge));
                        await AppendFramesAsync(int.MaxValue);
                        fold.PlanChunk(edge, (await world._log.OffsetsAsync(world.Thing.Topic))[0].End);
                        if (!await CheckpointAsync())
                            throw new StaleOwnerException(fold.Id, 0, 0);
                    }
                    else
                    {
                        if (!await CheckpointAsync())
                            throw new StaleOwnerException(fold.Id, 0, 0);
                        Send(await fold.BackfillAsync(edge, world._store));
                    }
                }
            }

            internal async Task<bool> CheckpointAsync()
            {
                await AppendFramesAsync(int.MaxValue);
                if (!await world._store.WriteCheckpointAsync(fold.BeginCheckpoint()))
                    return false;
                fold.CheckpointWritten();
                fold.Trim();
                world.Owns(this);
                return true;
            }

            internal async Task AppendFramesAsync(int most)
            {
                for (var i = 0; i < most && _frames.TryDequeue(out var frame); i++)
                    await world._log.AppendAsync(
                        frame.View.Topic, [new() { Partition = frame.Partition, Timestamp = 1, Value = frame.Bytes }]);
            }

            private void Send(FoldOutput output)
            {
                Assert.Empty(output.DeadLetters);
                output.Frames.ForEach(_frames.Enqueue);
            }
        }
    }
}

internal sealed record Thing(string Group, int Amount) : IEntity<Thing, Thing>
{
    public static Thing? Apply(Thing? state, in Record<Thing> record) => record.Value;
}

internal sealed record ThingSum(int Count, int Sum) : IView<ThingSum, Thing>
{
    public static IEnumerable<string> KeysOf(string key, Thing source) => [source.Group, "all"];

    public static ThingSum? Apply(ThingSum? state, in Change<Thing> change)
    {
        var next = new ThingSum((state?.Count ?? 0) + change.Count, (state?.Sum ?? 0) + change.Sum(thing => thing.Amount));
        return next.Count == 0 ? null : next;
    }
}

internal sealed record HighestThing(int Amount) : IReducingView<HighestThing, Thing>
{
    private static readonly Ranking<Thing, int> Most = Reduce.Max((Thing thing) => thing.Amount);

    public static IReadOnlyList<Reduction<Thing>> Reductions => [Most];

    public static IEnumerable<string> KeysOf(string key, Thing source) => [source.Group];

    public static HighestThing? Apply(HighestThing? state, in Change<Thing> change, in Reduced<Thing> reduced) =>
        reduced.First(Most) is { } first ? new(first.Value) : null;
}
