using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.Reducing;
using ActorStreams.States;

namespace ActorStreams.Tests.Folding;

/// <summary>What a partition holds in memory is bounded in bytes, and what the store does not have yet is counted.</summary>
public sealed class MemoryTests
{
    [Fact]
    public async Task A_batch_of_more_bytes_than_a_slice_is_folded_in_parts_between_which_readers_come()
    {
        var rig = new ViewRig<Different>(new() { SliceBytes = 4_000 });
        for (var i = 0; i < 20; i++)
        {
            for (var j = 0; j < 50; j++)
                rig.Write("v", $"s{i}-{j}", null, new(i));
            rig.CloseFrame();
        }

        List<int> parts = [];
        var output = await rig.FoldAsync(part => parts.Add(part.Folded));
        Assert.True(parts.Count > 5, $"The batch was folded in {parts.Count} parts.");
        Assert.Equal((1_000, 1_000), (parts.Sum(), output.Folded));
        Assert.Equal("{\"values\":20}", await rig.StateAsync("v"));
    }

    [Fact]
    public async Task A_distinct_count_of_a_hot_key_leaves_memory_while_it_is_written_to()
    {
        var rig = new ViewRig<Different>(new());
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 2_000; i++)
                rig.Write("v", $"s{round}-{i}", null, new((round * 2_000) + i));
            await rig.FoldAsync();
            var write = rig.Fold.BeginCheckpoint();
            Assert.True(await rig.Store.WriteCheckpointAsync(write));
            // The key is written to again before the checkpoint is known to be written.
            rig.Write("v", $"again{round}", null, new(-1 - round));
            await rig.FoldAsync();
            rig.Fold.CheckpointWritten();
            Assert.InRange(rig.Fold.TableBytes, 0, 100_000);
        }

        await rig.CheckpointAsync();
        Assert.Equal("{\"values\":40020}", await rig.StateAsync("v"));
    }

    [Fact]
    public async Task Contributions_that_are_not_stored_are_counted_until_they_are()
    {
        var rig = new ViewRig<Different>(new());
        Assert.Equal(0, rig.Fold.UnstoredBytes);
        for (var i = 0; i < 10_000; i++)
            rig.Write("v", $"s{i}", null, new(i));
        await rig.FoldAsync();
        Assert.InRange(rig.Fold.UnstoredBytes, 500_000, 5_000_000);
        await rig.CheckpointAsync();
        Assert.Equal(0, rig.Fold.UnstoredBytes);
    }

    [Fact]
    public async Task A_ranking_keeps_few_elements_of_a_key_once_they_are_stored()
    {
        var rig = new ViewRig<Ten>(new());
        for (var i = 0; i < 5_000; i++)
            rig.Write("v", $"s{i}", null, new(i));
        await rig.FoldAsync();
        await rig.CheckpointAsync();
        Assert.InRange(rig.Fold.TableBytes, 0, 6_000);
        Assert.Equal("{\"best\":[4999,4998,4997,4996,4995,4994,4993,4992,4991,4990]}", await rig.StateAsync("v"));
    }

    [Fact]
    public async Task A_hot_ranking_asks_the_store_only_when_its_head_is_used_up()
    {
        var rig = new ViewRig<Ten>(new());
        for (var i = 0; i < 5_000; i++)
            rig.Write("v", $"s{i}", null, new(i));
        await rig.FoldAsync();
        await rig.CheckpointAsync();
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 100; i++)
            {
                var at = (round * 100) + i;
                rig.Write("v", $"s{at}", new(at), new(at + 1));
            }

            rig.FoldInMemory();
        }

        for (var i = 4_900; i < 5_000; i++)
            rig.Write("v", $"s{i}", new(i), null);
        await rig.FoldAsync();
        await rig.CheckpointAsync();
        Assert.Equal("{\"best\":[4899,4898,4897,4896,4895,4894,4893,4892,4891,4890]}", await rig.StateAsync("v"));
    }

    [Fact]
    public async Task The_table_is_bounded_in_bytes()
    {
        var topology = RestartingRun.Of(t => t.AddEntity<LimitTests.Note>());
        var fold = topology.Of<LimitTests.Note>().CreateFold(0, new() { TableBytes = 100_000 });
        fold.Restore(null);
        var store = new InMemoryStateStore();
        for (var i = 0; i < 200; i++)
        {
            var record = new ChangeRecord { Offset = i, Timestamp = 0, Key = Encoding.UTF8.GetBytes($"k{i % 100}"),
                Value = "{\"text\":\"x\",\"length\":5000}"u8.ToArray() };
            await fold.FoldAsync(
                new() { Partition = new(fold.Dataset.Topic, 0), Records = [record], NextOffset = i + 1, EndOffset = i + 1 }, store);
            Assert.True(await store.WriteCheckpointAsync(fold.BeginCheckpoint()));
            fold.CheckpointWritten();
            fold.Trim();
            Assert.InRange(fold.TableBytes, 1, 100_000);
        }

        Assert.Equal(100, fold.States);
    }

    internal sealed record Different(long Values) : IReducingView<Different, Sample>
    {
        private static readonly DistinctCount<Sample, int> Distinct = Reduce.Distinct((Sample s) => s.Value);

        public static IReadOnlyList<Reduction<Sample>> Reductions => [Distinct];

        public static IEnumerable<string> KeysOf(string key, Sample source) => [];

        public static Different? Apply(Different? state, in Change<Sample> change, in Reduced<Sample> reduced) =>
            new(reduced.Count(Distinct));
    }

    internal sealed record Ten(IReadOnlyList<int> Best) : IReducingView<Ten, Sample>
    {
        private static readonly Ranking<Sample, int> Top = Reduce.Top(10, (Sample s) => s.Value);

        public static IReadOnlyList<Reduction<Sample>> Reductions => [Top];

        public static IEnumerable<string> KeysOf(string key, Sample source) => [];

        public static Ten? Apply(Ten? state, in Change<Sample> change, in Reduced<Sample> reduced) =>
            new([.. reduced.All(Top).Select(place => place.Value)]);
    }
}
