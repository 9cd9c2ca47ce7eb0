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
            await world.CheckpointAsync();
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
        private readonly Queue<Frame> _frames = [];
        private PartitionFold _fold = null!;

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

        internal async Task OpenAsync(bool withViews)
        {
            _frames.Clear();
            _fold = (withViews ? _topology : _before).Of<Thing>().CreateFold(
                0, new() { TableEntries = random.Next(1, 8), ChunkStates = random.Next(1, 6), ChunkBytes = random.Next(1, 400) });
            _fold.Restore(await _store.ReadCheckpointAsync(_fold.Id));
        }

        internal async Task FinishAsync()
        {
            await FoldAllAsync();
            await CheckpointAsync();
            while (_fold.Backfilling is not null)
            {
                await ChunkAsync();
                await CheckpointAsync();
            }

            var batch = await new BatchRunner(_topology, _log).RunAsync();
            await AssertIsAsync<Total>(batch);
            await AssertIsAsync<Highest>(batch);
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
            while (await FoldAsync(10))
            {
            }
        }

        internal async Task CheckpointAsync()
        {
            await AppendFramesAsync(int.MaxValue);
            Assert.True(await _store.WriteCheckpointAsync(_fold.BeginCheckpoint()));
            _fold.CheckpointWritten();
            _fold.Trim();
        }

        internal async Task ChunkAsync()
        {
            if (_fold.Backfilling is { } edge)
                Send(await _fold.BackfillAsync(edge, _store));
        }

        internal async Task AppendFramesAsync(int most)
        {
            for (var i = 0; i < most && _frames.TryDequeue(out var frame); i++)
                await _log.AppendAsync(
                    frame.View.Topic, [new() { Partition = frame.Partition, Timestamp = 1, Value = frame.Bytes }]);
        }

        private static Topology Of(bool withViews)
        {
            var builder = new TopologyBuilder { DefaultPartitions = 1 }.AddEntity<Thing>();
            return (withViews ? builder.AddView<Total>().AddView<Highest>() : builder).Build();
        }

        private async Task StepsAsync(int steps, bool withViews)
        {
            for (var step = 0; step < steps; step++)
            {
                switch (random.Next(12))
                {
                    case 0:
                        await AppendAsync(random.Next(4));
                        break;
                    case < 5:
                        await FoldAsync(random.Next(1, 4));
                        break;
                    case < 7:
                        await CheckpointAsync();
                        break;
                    case < 10 when withViews && _fold.StoredNumber > 0:
                        // Right after a checkpoint, as the owner does it.
                        await CheckpointAsync();
                        await ChunkAsync();
                        break;
                    case 10:
                        await AppendFramesAsync(random.Next(4));
                        break;
                    default:
                        await AppendFramesAsync(random.Next(_frames.Count + 1));
                        await OpenAsync(withViews);
                        break;
                }
            }
        }

        private async Task<bool> FoldAsync(int records)
        {
            if (_fold.NextOffset >= (await _log.OffsetsAsync(Thing.Topic))[0].End)
                return false;
            await using var batches = _log.ReadAsync(new(Thing.Topic, 0), _fold.NextOffset, new(records, int.MaxValue)).GetAsyncEnumerator();
            await batches.MoveNextAsync();
            Send(await _fold.FoldAsync(batches.Current, _store));
            return true;
        }

        private void Send(FoldOutput output)
        {
            Assert.Empty(output.DeadLetters);
            output.Frames.ForEach(_frames.Enqueue);
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
    }
}

internal sealed record Thing(string Group, int Amount) : IEntity<Thing, Thing>
{
    public static Thing? Apply(Thing? state, in Record<Thing> record) => record.Value;
}

internal sealed record Total(int Count, int Sum) : IView<Total, Thing>
{
    public static IEnumerable<string> KeysOf(string key, Thing source) => [source.Group, "all"];

    public static Total? Apply(Total? state, in Change<Thing> change)
    {
        var next = new Total((state?.Count ?? 0) + change.Count, (state?.Sum ?? 0) + change.Sum(thing => thing.Amount));
        return next.Count == 0 ? null : next;
    }
}

internal sealed record Highest(int Amount) : IReducingView<Highest, Thing>
{
    private static readonly Ranking<Thing, int> Most = Reduce.Max((Thing thing) => thing.Amount);

    public static IReadOnlyList<Reduction<Thing>> Reductions => [Most];

    public static IEnumerable<string> KeysOf(string key, Thing source) => [source.Group];

    public static Highest? Apply(Highest? state, in Change<Thing> change, in Reduced<Thing> reduced) =>
        reduced.First(Most) is { } first ? new(first.Value) : null;
}
