using System.Text;
using ActorStreams.Partitions;
using ActorStreams.Partitions.Reading;
using ActorStreams.Partitions.Running;

namespace ActorStreams.Tests.Partitions;

/// <summary>Reads of states that are in the store alone, while the partition folds on.</summary>
public sealed class ReadThroughTests
{
    private static readonly StreamsOptions OneStateInMemory = new() { TableEntries = 1, CheckpointIntervalSeconds = 0.02 };

    [Fact]
    public async Task A_read_whose_state_was_folded_stored_and_evicted_since_the_store_answered_is_answered_with_the_state_at_its_position()
    {
        await using var rig = new EngineRig(OneStateInMemory);
        await rig.CreateTopicsAsync();
        var runner = rig.Start<EngineRig.Purse>();
        await FoldAndEvictAsync(rig, runner, amount: 1);
        rig.Store.AfterLoad = () => FoldAndEvictAsync(rig, runner, amount: 2);

        var read = await runner.ReadAsync("ann", EngineRig.Stop);

        Assert.Equal(("{\"total\":3}", 3), (Encoding.UTF8.GetString(read.State!), read.Offset));
    }

    [Fact]
    public async Task A_list_whose_states_were_folded_and_stored_since_the_store_answered_has_the_states_at_its_position()
    {
        await using var rig = new EngineRig(OneStateInMemory);
        await rig.CreateTopicsAsync();
        var runner = rig.Start<EngineRig.Purse>();
        await FoldAndEvictAsync(rig, runner, amount: 1);
        rig.Store.AfterScan = () => FoldAndEvictAsync(rig, runner, amount: 2);

        var rows = await runner.ListAsync("ann", null, 10, EngineRig.Stop);

        Assert.Equal(("{\"total\":3}", 3), (Encoding.UTF8.GetString(Assert.Single(rows).State!), rows[0].Offset));
    }

    /// <summary>Folds an amount of ann's, stores it, and folds another key so that ann's state leaves memory.</summary>
    private static async Task FoldAndEvictAsync(EngineRig rig, PartitionRunner runner, int amount)
    {
        foreach (var key in new[] { "ann", "bob" })
        {
            await rig.AppendAsync(key, amount);
            var end = rig.Log.KnownEnd(runner.Input);
            await EngineRig.UntilAsync(runner, () => runner.Session?.Fold.StoredPosition == end);
        }

        lock (runner.Session!.Fold.Gate)
            Assert.False(runner.Session.Fold.TryRead("ann", out _), "The state is still in memory.");
    }
}
