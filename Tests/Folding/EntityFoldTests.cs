using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;

namespace ActorStreams.Tests.Folding;

public sealed class EntityFoldTests
{
    private static readonly byte[] Good = "{\"amount\":1}"u8.ToArray();

    private BadRecords _badRecords;

    [Fact]
    public async Task A_tombstone_ends_an_entity_and_the_next_record_begins_it_anew()
    {
        var (fold, output) = await FoldAsync(("a", Good), ("a", null), ("b", Good), ("b", Good), ("b", null), ("b", Good));
        Assert.Empty(output.DeadLetters);
        Assert.Equal(["b {\"total\":1}"], States(fold));
        Assert.Equal((1, 6, 6), (fold.States, output.Folded, (int)fold.NextOffset));
    }

    [Theory]
    [InlineData("{\"amount\":", "not the JSON of a Entry")]
    [InlineData("{\"amount\":\"one\"}", "not the JSON of a Entry")]
    [InlineData("{}", "not the JSON of a Entry")]
    [InlineData("null", "append a record without a value")]
    [InlineData("", "not the JSON of a Entry")]
    [InlineData("{\"amount\":-1}", "The fold of Purse failed: No debts.")]
    public async Task A_record_that_cannot_be_folded_is_set_aside_as_it_was_and_the_others_fold(string value, string reason)
    {
        var (fold, output) = await FoldAsync(("a", Good), ("a", Encoding.UTF8.GetBytes(value)), ("a", Good));
        var letter = Assert.Single(output.DeadLetters);
        Assert.Contains(reason, letter.Reason);
        Assert.Equal(("purse", new Position("purse", 0, 1), "a", 1_001L), (letter.Dataset, letter.Position, letter.Key, letter.Timestamp));
        Assert.Equal(value, Encoding.UTF8.GetString(letter.Value!.Value.Span));
        Assert.NotNull(letter.Error);
        Assert.Equal(["a {\"total\":2}"], States(fold));
        Assert.Equal(3, fold.NextOffset);
    }

    [Fact]
    public async Task A_record_without_a_usable_key_belongs_to_no_entity()
    {
        var records = new[] { Record(0, null, Good), Record(1, [0xFF], Good), Record(2, "é"u8.ToArray(), Good), Record(3, [], Good) };
        var (fold, output) = await FoldAsync(records);
        Assert.Equal(
            ["has no key", "is not UTF-8"],
            output.DeadLetters.Select(letter => letter.Reason.Contains("has no key") ? "has no key" : "is not UTF-8"));
        Assert.Equal([" {\"total\":1}", "é {\"total\":1}"], States(fold));
    }

    [Fact]
    public async Task A_dataset_that_stops_at_bad_records_stands_before_the_first_one()
    {
        _badRecords = BadRecords.Stop;
        var (_, output) = await FoldAsync(("a", Good), ("a", Good), ("b", "{"u8.ToArray()), ("a", Good));
        Assert.Equal(2, output.StoppedAt);
        Assert.Single(output.DeadLetters);
        Assert.Empty(output.Frames);
    }

    [Fact]
    public async Task Records_of_other_keys_pass_by_when_one_key_is_folded_again()
    {
        var fold = Start(new());
        fold.OnlyKeys = new(["b"]);
        var output = await fold.FoldAsync(
            Batch([Record(0, "a"u8.ToArray(), "{"u8.ToArray()), Record(1, "b"u8.ToArray(), Good), Record(2, "a"u8.ToArray(), Good)]), null);
        Assert.Empty(output.DeadLetters);
        Assert.Equal(["b {\"total\":1}"], States(fold));
    }

    [Fact]
    public async Task A_bounded_table_with_a_store_gives_what_an_unbounded_one_gives()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var records = Enumerable.Range(0, 200)
                .Select(i => Record(i, Encoding.UTF8.GetBytes($"k{random.Next(20)}"), random.Next(6) == 0 ? null : Good)).ToArray();
            var (unbounded, _) = await FoldAsync(records);
            var (bounded, store, stored) =
                (Start(new() { TableEntries = random.Next(1, 5) }), new ActorStreams.States.InMemoryStateStore(), (long?)null);
            for (var at = 0; at < records.Length;)
            {
                var count = random.Next(1, 20);
                await bounded.FoldAsync(Batch([.. records.Skip(at).Take(count)]), store);
                at = (int)bounded.NextOffset;
                var write = bounded.BeginCheckpoint();
                Assert.True(await store.WriteCheckpointAsync(write));
                bounded.CheckpointWritten();
                bounded.Trim();
            }

            Assert.True(bounded.TableEntries < 10, $"Seed {seed}: {bounded.TableEntries} entries");
            Assert.Equal(
                States(unbounded),
                (await store.ScanAsync(bounded.Id, "", null, 100))
                    .Select(state => $"{state.Key} {Encoding.UTF8.GetString(state.State.Span)}"));
            Assert.Equal(unbounded.States, bounded.States);
        }
    }

    private PartitionFold Start(FoldOptions options)
    {
        var fold = new TopologyBuilder().AddEntity<Purse>(purse => purse.OnBadRecord(_badRecords)).Build().Of<Purse>()
            .CreateFold(0, options);
        fold.Restore(null);
        return fold;
    }

    private Task<(PartitionFold Fold, FoldOutput Output)> FoldAsync(params (string Key, byte[]? Value)[] records) =>
        FoldAsync([.. records.Select((record, i) => Record(i, Encoding.UTF8.GetBytes(record.Key), record.Value))]);

    private async Task<(PartitionFold Fold, FoldOutput Output)> FoldAsync(ChangeRecord[] records)
    {
        var fold = Start(FoldOptions.InMemory);
        return (fold, await fold.FoldAsync(Batch(records), null));
    }

    private static RecordBatch Batch(ChangeRecord[] records) => new()
    {
        Partition = new("purse", 0), Records = records, NextOffset = records[^1].Offset + 1, EndOffset = records[^1].Offset + 1,
    };

    private static ChangeRecord Record(long offset, byte[]? key, byte[]? value) => new()
    {
        Offset = offset,
        Timestamp = 1_000 + offset,
        Key = key is null ? default(ReadOnlyMemory<byte>?) : key,
        Value = value is null ? default(ReadOnlyMemory<byte>?) : value,
    };

    private static IEnumerable<string> States(PartitionFold fold) =>
        fold.All().OrderBy(row => row.Key, ActorStreams.States.KeyOrder.Instance)
            .Select(row => $"{row.Key} {Encoding.UTF8.GetString(row.State!)}");

    internal sealed record Entry(int Amount);

    internal sealed record Purse(int Total) : IEntity<Purse, Entry>
    {
        public static Purse? Apply(Purse? state, in Record<Entry> record) =>
            record.Value.Amount < 0 ? throw new InvalidOperationException("No debts.") : new((state?.Total ?? 0) + record.Value.Amount);
    }
}
