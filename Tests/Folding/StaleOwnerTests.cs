using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Folding;

public sealed class StaleOwnerTests
{
    private readonly InMemoryStateStore _store = new();
    private readonly Topology _topology = new TopologyBuilder { DefaultPartitions = 1 }.AddEntity<Sample>().Build();

    [Fact]
    public async Task An_owner_does_not_fold_on_states_that_its_successor_stored()
    {
        var first = Start(null);
        await FoldAsync(first, "a", "b");
        var checkpoint = first.BeginCheckpoint();
        Assert.True(await _store.WriteCheckpointAsync(checkpoint));
        first.CheckpointWritten();
        await FoldAsync(first, "c");
        var successor = Start(checkpoint.Checkpoint);
        await FoldAsync(successor, "c", "a");
        Assert.True(await _store.WriteCheckpointAsync(successor.BeginCheckpoint()));

        var error = await Assert.ThrowsAsync<StaleOwnerException>(async () => await FoldAsync(first, "a"));
        Assert.Contains("another owner exists", error.Message);
    }

    [Fact]
    public async Task An_owner_reads_through_the_store_while_its_own_checkpoint_is_under_way()
    {
        var owner = Start(null);
        await FoldAsync(owner, "a", "b", "c");
        Assert.True(await _store.WriteCheckpointAsync(owner.BeginCheckpoint()));
        owner.CheckpointWritten();
        await FoldAsync(owner, "d");
        var write = owner.BeginCheckpoint();
        await FoldAsync(owner, "a");
        Assert.True(await _store.WriteCheckpointAsync(write));
        await FoldAsync(owner, "b");
        owner.CheckpointWritten();
        Assert.Equal(4, owner.States);
    }

    private PartitionFold Start(Checkpoint? checkpoint)
    {
        var fold = _topology.Of<Sample>().CreateFold(0, new() { TableEntries = 1 });
        fold.Restore(checkpoint);
        return fold;
    }

    private async Task FoldAsync(PartitionFold fold, params string[] keys) => await fold.FoldAsync(
        new()
        {
            Partition = new("sample", 0),
            Records = [.. keys.Select((key, i) => new ChangeRecord
            {
                Offset = fold.NextOffset + i, Timestamp = 0, Key = Encoding.UTF8.GetBytes(key),
                Value = "{\"value\":1,\"bad\":false}"u8.ToArray(),
            })],
            NextOffset = fold.NextOffset + keys.Length,
            EndOffset = fold.NextOffset + keys.Length,
        },
        _store);
}
