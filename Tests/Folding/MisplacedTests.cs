using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Folding;

/// <summary>Records whose key belongs to another partition of the topic are folded where they lie, and counted.</summary>
public sealed class MisplacedTests
{
    private const int Partitions = 4;

    [Fact]
    public async Task Each_record_whose_key_belongs_elsewhere_counts_also_those_that_cannot_be_folded()
    {
        var fold = Start(KeyPartitioner.Murmur2);
        await FoldAsync(fold, (Home(0), "1"), (Home(1), "1"), (Home(1), "bad"), (Home(2), null), (Home(0), "1"));
        Assert.Equal((3, 1, true), (fold.MisplacedRecords, (int)fold.FirstMisplaced, fold.MayHoldMisplacedKeys));
        Assert.Equal(2, fold.States);
    }

    [Fact]
    public async Task The_count_is_of_the_partitioner_that_is_declared_and_nothing_is_misplaced_where_none_is_known()
    {
        foreach (var partitioner in Enum.GetValues<KeyPartitioner>())
        {
            var fold = Start(partitioner);
            var keys = Enumerable.Range(0, 100).Select(i => $"k{i}").ToArray();
            await FoldAsync(fold, [.. keys.Select(key => (key, (string?)"1"))]);
            Assert.Equal(
                partitioner == KeyPartitioner.Unknown ? 0 : keys.Count(key => Partitioner.PartitionOf(key, Partitions, partitioner) != 0),
                fold.MisplacedRecords);
        }
    }

    [Fact]
    public async Task An_empty_key_has_a_home_by_murmur2_and_none_by_CRC32()
    {
        Assert.NotEqual(0, Partitioner.PartitionOf("", Partitions));
        var (murmur2, crc32) = (Start(KeyPartitioner.Murmur2), Start(KeyPartitioner.Crc32));
        await FoldAsync(murmur2, ("", "1"));
        await FoldAsync(crc32, ("", "1"));
        Assert.Equal((1, 0), (murmur2.MisplacedRecords, crc32.MisplacedRecords));
        Assert.False(crc32.Dataset.HasHome(""));
    }

    [Fact]
    public async Task The_count_outlives_a_restart_and_a_table_that_forgets()
    {
        var (store, stored) = (new InMemoryStateStore(), (long?)null);
        var fold = Start(KeyPartitioner.Murmur2, tableEntries: 1);
        for (var round = 1; round <= 4; round++)
        {
            await FoldAsync(fold, store, (Home(1), "1"), (Home(2), "1"), (Home(0), "1"));
            stored = await CheckpointAsync(fold, store, stored);
            Assert.Equal((2 * round, 0), (fold.MisplacedRecords, (int)fold.FirstMisplaced));
            fold = Start(KeyPartitioner.Murmur2, tableEntries: 1);
            fold.Restore(await store.ReadCheckpointAsync(fold.Id));
            Assert.Equal((2 * round, 0, true), (fold.MisplacedRecords, (int)fold.FirstMisplaced, fold.MayHoldMisplacedKeys));
        }
    }

    [Fact]
    public async Task Under_another_partitioner_the_count_begins_again_and_what_was_folded_before_may_be_anywhere()
    {
        var store = new InMemoryStateStore();
        var fold = Start(KeyPartitioner.Murmur2);
        await FoldAsync(fold, (Home(0), "1"), (Home(1), "1"));
        await CheckpointAsync(fold, store, null);

        var crc32 = Start(KeyPartitioner.Crc32);
        crc32.Restore(await store.ReadCheckpointAsync(crc32.Id));
        Assert.Equal((0, 2, true), (crc32.MisplacedRecords, (int)crc32.CountedFrom, crc32.MayHoldMisplacedKeys));
        await FoldAsync(
            crc32, store,
            (Enumerable.Range(
                0, 100).Select(i => $"k{i}").First(key => Partitioner.PartitionOf(key, Partitions, KeyPartitioner.Crc32) == 3), "1"));
        await CheckpointAsync(crc32, store, 2);

        var again = Start(KeyPartitioner.Crc32);
        again.Restore(await store.ReadCheckpointAsync(again.Id));
        Assert.Equal((1, 2, 2), (again.MisplacedRecords, (int)again.FirstMisplaced, (int)again.CountedFrom));
    }

    [Fact]
    public async Task Checkpoints_without_a_count_are_those_of_old_and_one_of_a_newer_form_is_refused()
    {
        foreach (var marks in new byte[][] { [], [1] })
        {
            var fold = Start(KeyPartitioner.Murmur2);
            fold.Restore(new(1, 7, 3, marks));
            Assert.Equal((0, -1, false), (fold.MisplacedRecords, (int)fold.FirstMisplaced, fold.MayHoldMisplacedKeys));
        }

        Assert.Throws<InvalidDataException>(() => Start(KeyPartitioner.Murmur2).Restore(new(1, 7, 3, new byte[] { 5 })));
        var good = Start(KeyPartitioner.Murmur2);
        await FoldAsync(good, (Home(0), "1"));
        Assert.Equal([4, 2, 8, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0], good.BeginCheckpoint().Checkpoint.Header.ToArray());
    }

    private static string Home(int partition) =>
        Enumerable.Range(0, int.MaxValue).Select(i => $"key{i}").First(key => Partitioner.PartitionOf(key, Partitions) == partition);

    private static PartitionFold Start(KeyPartitioner partitioner, int tableEntries = 100)
    {
        var fold = new TopologyBuilder().AddEntity<Number>(number => number.WithPartitions(Partitions).PartitionedBy(partitioner)).Build()
            .Of<Number>()
            .CreateFold(0, new() { TableEntries = tableEntries });
        fold.Restore(null);
        return fold;
    }

    private static Task FoldAsync(PartitionFold fold, params (string Key, string? Value)[] records) => FoldAsync(fold, null, records);

    private static async Task FoldAsync(PartitionFold fold, IStateStore? store, params (string Key, string? Value)[] records)
    {
        var next = fold.NextOffset + records.Length;
        await fold.FoldAsync(new()
        {
            Partition = new("number", 0),
            Records = [.. records.Select((record, i) => new ChangeRecord
            {
                Offset = fold.NextOffset + i, Timestamp = 0, Key = Encoding.UTF8.GetBytes(record.Key),
                Value = record.Value is null ? default(ReadOnlyMemory<byte>?) : Encoding.UTF8.GetBytes(record.Value),
            })],
            NextOffset = next,
            EndOffset = next,
        }, store);
    }

    private static async Task<long> CheckpointAsync(PartitionFold fold, InMemoryStateStore store, long? stored)
    {
        var write = fold.BeginCheckpoint();
        Assert.True(await store.WriteCheckpointAsync(write));
        fold.CheckpointWritten();
        fold.Trim();
        return write.Checkpoint.Position;
    }

    internal sealed record Number(int Value) : IEntity<Number, int>
    {
        public static Number? Apply(Number? state, in Record<int> record) => new((state?.Value ?? 0) + record.Value);
    }
}
