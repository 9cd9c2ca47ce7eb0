using System.Buffers;
using System.Globalization;
using System.Text;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Formats;
using ActorStreams.Frames;
using ActorStreams.Grains.Appends;
using ActorStreams.Log;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Tests.Folding;

namespace ActorStreams.Tests.Formats;

/// <summary>The golden bytes of docs/reference/formats.md are what the program writes, and what it reads.</summary>
public sealed class FormatPageTests
{
    private const long Timestamp = 1_735_689_600_000;

    [Fact]
    public void A_frame_is_written_as_the_page_has_it_and_read_back()
    {
        var order = new TopologyBuilder().AddEntity<Sample>(o => o.Named("order")).Build().Of<Sample>();
        var writer = new FrameWriter(order, sourcePartition: 0);
        var (before, after) = (Utf8("""{"customer":"ann","total":10.5}"""), Utf8("""{"customer":"bob","total":10.5}"""));
        writer.Change("o1", new(3, 0, Timestamp, new(order.Topic, 0, 3), before, after), routes: 2);
        writer.Route(RouteKind.Left, 0, "ann");
        writer.Route(RouteKind.Entered, 1, "bob");

        Assert.Equal(Page("frame"), writer.Take());

        var reader = new FrameReader(Page("frame"));
        Assert.True(reader.NextChange());
        Assert.Equal(
            ("order", 1, 0, 3L, "o1"), (reader.Source, reader.SourceBuild, reader.SourcePartition, reader.Offset, reader.SourceKey));
        Assert.Equal(after, reader.After!.Value.ToArray());
        Assert.True(reader.NextRoute(out var kind, out var index, out var key));
        Assert.Equal((RouteKind.Left, 0, "ann"), (kind, index, Encoding.UTF8.GetString(key)));
        Assert.False(reader.NextChange());
    }

    [Fact]
    public void Marks_are_written_as_the_page_has_them_and_read_back()
    {
        var marks = new Marks();
        marks.Raise("order", 0, new(3, 1));
        marks.FailedMembers = 2;
        Assert.Equal(Page("marks"), marks.Write());
        Assert.False(Marks.Read(Page("marks")).Raise("order", 0, new(3, 1)), "The page's mark is not read as (3, 1).");
        Assert.Equal(2, Marks.Read(Page("marks")).FailedMembers);
    }

    [Fact]
    public void The_offsets_that_an_entity_set_aside_are_written_as_the_page_has_them()
    {
        var setAside = new SetAsideOffsets();
        foreach (var offset in new long[] { 5, 9, 10, 11 })
            setAside.Add(offset);
        var bytes = new ArrayBufferWriter<byte>();
        setAside.Write(bytes);

        const int before = 5; // version, partitioner, records, first, counted from
        Assert.Equal([3, (byte)KeyPartitioner.Murmur2, 0, 0, 0], Page("entity-marks")[..before]);
        Assert.Equal(Page("entity-marks")[before..], bytes.WrittenSpan.ToArray());

        var reader = new VarIntReader(Page("entity-marks").AsMemory(before));
        var read = SetAsideOffsets.Read(ref reader);
        Assert.True(reader.AtEnd && read.Contains(5) && read.Contains(11) && !read.Contains(6) && read.Count == 4);
    }

    [Fact]
    public void A_row_of_the_embedded_log_is_written_as_the_page_has_it_and_read_back()
    {
        var builder = new LogRowBuilder(maxRowBytes: 1_024);
        builder.Start(baseOffset: 7);
        builder.TryAdd(new() { Partition = 0, Timestamp = Timestamp, Key = Utf8("o1"), Value = null });
        Assert.Equal(Page("log-row"), builder.Seal().Bytes);

        var row = new LogRow(7, 8, Page("log-row"));
        Assert.True(row.IsWhole);
        var record = new LogRowCursor(row).Next();
        Assert.Equal((7, Timestamp, true), (record.Offset, record.Timestamp, record.Value is null));
    }

    [Fact]
    public void The_claim_of_an_idempotency_key_is_written_as_the_page_has_it_and_read_back()
    {
        var claim = AppendClaim.New([.. Enumerable.Range(0, 32).Select(i => (byte)i)], 2);
        claim.Found(1, 3, 300);
        (claim.Cursors[3], claim.SettledAfter) = (300, TimeSpan.FromSeconds(260));
        Assert.Equal(Page("claim"), claim.ToBytes());
        Assert.Equal([0], AppendClaim.Read(Page("claim")).Missing);
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>
    /// The bytes of a block: each line begins with two-digit hexadecimal numbers, and what follows two spaces is a comment.
    /// </summary>
    private static byte[] Page(string block)
    {
        var lines = Repository.Read("docs/reference/formats.md").ReplaceLineEndings("\n").Split('\n');
        return
        [
            .. lines.SkipWhile(line => line != $"```golden {block}").Skip(1).TakeWhile(line => line != "```")
                .SelectMany(line => line.Split("  ")[0].Split(' '))
                .Select(number => byte.Parse(number, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
        ];
    }
}
