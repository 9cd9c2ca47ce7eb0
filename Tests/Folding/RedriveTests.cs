using System.Buffers;
using System.Text;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Formats;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Folding;

public sealed class RedriveTests
{
    private const string Topic = "orders";

    [Fact]
    public async Task A_redrive_is_folded_when_it_can_be_and_only_once()
    {
        var fold = Start<Sheet>();
        var output = await FoldAsync(fold, Record(0, "a", "0"), Record(1, "a", "2"), Redriven(2, "a", "0", 0), Redriven(3, "a", "0", 0));
        Assert.Equal([0L], output.DeadLetters.Select(letter => letter.Position.Offset));
        Assert.Equal("""{"sum":2,"last":0,"headers":1}""", State(fold, "a"));
        Assert.Equal((1, 3, 0L), (output.Repeats, output.Folded + output.DeadLetters.Count, fold.OpenDeadLetters!.Count));
    }

    [Fact]
    public async Task A_redrive_that_fails_again_is_a_dead_letter_again_that_names_the_first_one_and_stays_open()
    {
        var fold = Start<Sheet>();
        var output = await FoldAsync(
            fold, Record(0, "a", "0"), Redriven(1, "a", "0", 0), Redriven(2, "a", "0", 0), Record(3, "a", "5"), Redriven(4, "a", "0", 0));
        Assert.Equal(
            ["sheet@orders/0:0#0 first ", "sheet@orders/0:1#0 first sheet@orders/0:0#0", "sheet@orders/0:2#0 first sheet@orders/0:0#0"],
            output.DeadLetters.Select(letter => $"{letter.Id} first {letter.First}"));
        Assert.Equal("""{"sum":5,"last":0,"headers":1}""", State(fold, "a"));
        Assert.Equal(0, fold.OpenDeadLetters!.Count);
    }

    [Fact]
    public async Task Another_dataset_of_the_topic_passes_a_redrive_by_and_nobody_folds_one_that_was_never_set_aside()
    {
        var (sheet, other) = (Start<Sheet>(), Start<Other>());
        ChangeRecord[] records =
        [
            Record(0, "a", "1"), Redriven(1, "a", "1", 0), Redriven(2, "a", "7", 99), Redriven(3, "a", "7", 0, "nobody"),
        ];
        Assert.Equal((1, 2), await CountsAsync(sheet, records));
        Assert.Equal((1, 0), await CountsAsync(other, records));
        Assert.Equal(4, other.NextOffset);

        static async Task<(int, int)> CountsAsync(PartitionFold fold, ChangeRecord[] records)
        {
            var output = await FoldAsync(fold, records);
            Assert.Empty(output.DeadLetters);
            return (output.Folded, output.Repeats);
        }
    }

    [Fact]
    public async Task A_header_that_is_no_id_is_told_and_the_record_set_aside()
    {
        var output = await FoldAsync(Start<Sheet>(), Record(0, "a", "1") with { Headers = [new(Redrive.Header, new byte[] { 0xFF })] });
        Assert.Contains("is the id of no dead letter", Assert.Single(output.DeadLetters).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_definitions_fold_a_record_at_its_own_place_its_redrive_is_a_repeat()
    {
        var fold = Start<Sheet>();
        await FoldAsync(fold, Record(0, "a", "4"), Redriven(1, "a", "4", 0));
        Assert.Equal("""{"sum":4,"last":4,"headers":0}""", State(fold, "a"));
    }

    [Fact]
    public async Task Of_a_record_that_the_log_had_lost_the_redrive_is_folded_once()
    {
        var fold = Start<Sheet>();
        fold.SkipLost(10);
        await FoldAsync(fold, Record(10, "a", "1"), Redriven(11, "a", "3", 4), Redriven(12, "a", "3", 4), Redriven(13, "a", "9", 10));
        Assert.Equal("""{"sum":4,"last":3,"headers":1}""", State(fold, "a"));
    }

    [Fact]
    public async Task What_is_open_outlives_a_restart_and_what_an_older_version_stored_is_not_known()
    {
        var (fold, store) = (Start<Sheet>(), new InMemoryStateStore());
        await FoldAsync(fold, Record(0, "a", "0"), Record(1, "a", "0"), Record(2, "b", "0"), Record(3, "c", "1"), Record(4, "b", "0"));
        Assert.True(await store.WriteCheckpointAsync(fold.BeginCheckpoint()));
        var again = Start<Sheet>();
        again.Restore(await store.ReadCheckpointAsync(fold.Id));
        Assert.Equal([0, 1, 2, 4], Enumerable.Range(0, 6).Where(offset => again.OpenDeadLetters!.Contains(offset)));
        Assert.Equal((4L, 0L), (again.OpenDeadLetters!.Count, again.OpenDeadLetters.KnownFrom));

        foreach (var marks in new byte[][] { [], [1], [2, 0, 0, 0, 0] })
        {
            again.Restore(new(1, 5, 1, marks));
            Assert.Equal((0L, 5L), (again.OpenDeadLetters!.Count, again.OpenDeadLetters.KnownFrom));
        }
    }

    [Fact]
    public void Beyond_the_bound_the_oldest_are_forgotten_and_it_is_said_from_where_on_they_are_known()
    {
        var open = new SetAsideOffsets(maxRanges: 3);
        foreach (var offset in new long[] { 0, 1, 5, 9, 20, 21, 30 })
            open.Add(offset);
        Assert.Equal(6, open.KnownFrom);
        Assert.Equal([9L, 20, 21, 30], new long[] { 0, 1, 5, 9, 20, 21, 30 }.Where(open.Contains));
    }

    [Fact]
    public void Ranges_hold_what_a_set_holds_also_written_and_read_back()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var (random, ranges, model, next) = (new Random(seed), new OffsetRanges(), new SortedSet<long>(), 0L);
            for (var step = 0; step < 60; step++)
            {
                if (random.Next(2) == 0)
                {
                    var (first, length) = (next + random.Next(3), random.Next(1, 6));
                    ranges.Append(first, first + length - 1);
                    model.UnionWith(Enumerable.Range(0, length).Select(i => first + i));
                    next = first + length;
                }
                else
                {
                    var offset = random.NextInt64(next + 2);
                    Assert.Equal(model.Remove(offset), ranges.Remove(offset));
                }

                if (step % 10 == 0)
                    ranges = Again(ranges);
                Assert.Equal(model, Enumerable.Range(0, (int)next + 3).Select(offset => (long)offset).Where(ranges.Contains));
                Assert.Equal(model.Count, ranges.Count);
            }
        }

        static OffsetRanges Again(OffsetRanges ranges)
        {
            var writer = new ArrayBufferWriter<byte>();
            ranges.Write(writer);
            var reader = new VarIntReader(writer.WrittenMemory);
            var again = OffsetRanges.Read(ref reader);
            Assert.Equal((true, ranges.Ranges), (reader.AtEnd, again.Ranges));
            return again;
        }
    }

    [Theory]
    [InlineData("sheet@orders/0:17#0", true)]
    [InlineData("a.b@a.b-c_d/12:0#3", true)]
    [InlineData("@orders/0:17#0", false)]
    [InlineData("sheet@orders/0:17", false)]
    [InlineData("sheet@/0:17#0", false)]
    [InlineData("sheet@orders/0:-1#0", false)]
    [InlineData("#@", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void An_id_is_read_back_as_it_was_written(string? text, bool valid)
    {
        Assert.Equal(valid, DeadLetterId.TryParse(text, out var id));
        if (valid)
            Assert.Equal(text, id.ToString());
    }

    private static PartitionFold Start<TEntity>()
    {
        var fold = new TopologyBuilder { DefaultPartitions = 1 }.AddEntity<Sheet>(sheet => sheet.FromTopic(Topic))
            .AddEntity<Other>(other => other.FromTopic(Topic)).Build()
            .Of<TEntity>().CreateFold(0, FoldOptions.InMemory);
        fold.Restore(null);
        return fold;
    }

    private static async Task<FoldOutput> FoldAsync(PartitionFold fold, params ChangeRecord[] records) => await fold.FoldAsync(
        new() { Partition = new(Topic, 0), Records = records, NextOffset = records[^1].Offset + 1, EndOffset = records[^1].Offset + 1 },
        null);

    private static ChangeRecord Record(long offset, string key, string value) =>
        new() { Offset = offset, Timestamp = offset, Key = Encoding.UTF8.GetBytes(key), Value = Encoding.UTF8.GetBytes(value) };

    private static ChangeRecord Redriven(long offset, string key, string value, long original, string dataset = "sheet") =>
        Record(offset, key, value) with { Headers = [new("own", default), Redrive.HeaderOf(new(dataset, new(Topic, 0, original), 0))] };

    private static string? State(PartitionFold fold, string key) =>
        fold.TryRead(key, out var row) && row.State is { } state ? Encoding.UTF8.GetString(state) : null;

    /// <summary>A zero cannot come first.</summary>
    internal sealed record Sheet(int Sum, int Last, int Headers) : IEntity<Sheet, int>
    {
        public static Sheet? Apply(Sheet? state, in Record<int> record) => record.Value == 0 && state is null
            ? throw new InvalidOperationException("A zero cannot come first.")
            : new((state?.Sum ?? 0) + record.Value, record.Value, record.Headers.Count);
    }

    internal sealed record Other(int Sum) : IEntity<Other, int>
    {
        public static Other? Apply(Other? state, in Record<int> record) => new((state?.Sum ?? 0) + record.Value);
    }
}
