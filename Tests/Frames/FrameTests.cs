using System.Buffers;
using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Formats;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Tests.Folding;

namespace ActorStreams.Tests.Frames;

public sealed class FrameTests
{
    private readonly Dataset _source = new TopologyBuilder().AddEntity<Sample>().Build().Of<Sample>();

    [Fact]
    public void A_frame_reads_back_as_it_was_written()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var written = Random(seed, out var frame);
            Assert.True(written == Read(frame), $"Seed {seed}:\n{written}\n{Read(frame)}");
        }
    }

    [Fact]
    public void A_broken_frame_is_invalid_data_and_nothing_else()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            Random(seed, out var frame);
            var random = new Random(seed);
            var broken = frame[..random.Next(frame.Length)];
            if (random.Next(2) == 0 && broken.Length > 0)
                random.NextBytes(broken.AsSpan(random.Next(broken.Length)));
            try
            {
                Read(broken);
            }
            catch (InvalidDataException)
            {
            }
            catch (Exception error)
            {
                Assert.Fail($"Seed {seed}: {error}");
            }
        }
    }

    [Fact]
    public void Another_format_version_is_refused_with_its_number()
    {
        Assert.Contains("version 9", Assert.Throws<InvalidDataException>(() => Read([(byte)'F', 9])).Message);
        Assert.Throws<InvalidDataException>(() => Read([]));
        Assert.Throws<InvalidDataException>(() => Marks.Read(new byte[] { 2 }));
        Assert.Throws<InvalidDataException>(() => Marks.Read(new byte[] { 1, 5, 65 }));
    }

    [Fact]
    public void Marks_read_back_and_tell_repeats_from_what_is_new()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var marks = new Marks();
            var highest = new Dictionary<(string, int), Origin>();
            for (var i = 0; i < 60; i++)
            {
                var (source, partition) = (random.Next(2) == 0 ? "a" : "bé", random.Next(3));
                var origin = new Origin(random.NextInt64(1L << random.Next(50)), random.Next(4));
                var isNew = !highest.TryGetValue((source, partition), out var mark) || origin.CompareTo(mark) > 0;
                Assert.True(isNew == marks.Raise(source, partition, origin), $"Seed {seed}");
                highest[(source, partition)] = isNew ? origin : mark;
                if (random.Next(5) == 0)
                    marks = Marks.Read(marks.Write());
            }
        }
    }

    [Fact]
    public void Numbers_read_back()
    {
        CsCheck.Check.Sample(CsCheck.Gen.Select(CsCheck.Gen.ULong, CsCheck.Gen.Long, CsCheck.Gen.Int[0, 63]), (unsigned, signed, shift) =>
        {
            var writer = new ArrayBufferWriter<byte>();
            writer.WriteVarInt(unsigned >> shift);
            writer.WriteSigned(signed >> shift);
            writer.WriteText("é\0");
            var reader = new VarIntReader(writer.WrittenMemory);
            return reader.ReadVarInt() == unsigned >> shift && reader.ReadSigned() == signed >> shift && reader.ReadText() == "é\0"
                && reader.AtEnd;
        });
        Assert.Throws<InvalidDataException>(() => new VarIntReader(Enumerable.Repeat((byte)0xFF, 11).ToArray()).ReadVarInt());
        Assert.Throws<InvalidDataException>(() => new VarIntReader(new byte[] { 0x80 }).ReadVarInt());
        Assert.Throws<InvalidDataException>(() => new VarIntReader(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0x7F }).ReadCount());
    }

    /// <summary>A random frame, and what is in it as text.</summary>
    private string Random(int seed, out byte[] frame)
    {
        var random = new Random(seed);
        var writer = new FrameWriter(_source, 3);
        var text = new StringBuilder("sample 1 3\n");
        for (var changes = random.Next(1, 8); changes > 0; changes--)
        {
            var offset = random.NextInt64(1L << random.Next(1, 62));
            var root = random.Next(2) == 0
                ? new Position("sample", 3, offset)
                : new Position($"topic{random.Next(3)}", random.Next(4), random.Next(1_000));
            byte[]? Side() => random.Next(3) == 0 ? null : Encoding.UTF8.GetBytes($"{{\"n\":{random.Next(1_000)}}}");
            var change = new SourceChange(offset, 0, random.NextInt64(-100, 1L << 45), root, Side(), Side());
            var routes = random.Next(1, 4);
            writer.Change($"ké{changes}", change, routes);
            text.Append(Line(change.Offset, change.Timestamp, root, $"ké{changes}", change.Before, change.After));
            for (var route = 0; route < routes; route++)
            {
                var (kind, index, key) = ((RouteKind)random.Next(3), random.Next(100_000), $"v{random.Next(9)}");
                writer.Route(kind, index, key);
                text.Append(CultureInfo.InvariantCulture, $" {kind} {index} {key}\n");
            }
        }

        frame = writer.Take();
        return text.ToString();
    }

    private static string Read(byte[] frame)
    {
        var reader = new FrameReader(frame);
        var text = new StringBuilder().Append(
            CultureInfo.InvariantCulture, $"{reader.Source} {reader.SourceBuild} {reader.SourcePartition}\n");
        while (reader.NextChange())
        {
            var root = reader.Root ?? new(reader.Source, reader.SourcePartition, reader.Offset);
            text.Append(
                Line(reader.Offset, reader.Timestamp, root, reader.SourceKey, reader.Before?.Span.ToArray(), reader.After?.Span.ToArray()));
            while (reader.NextRoute(out var kind, out var index, out var key))
                text.Append(CultureInfo.InvariantCulture, $" {kind} {index} {Encoding.UTF8.GetString(key)}\n");
        }

        return text.ToString();
    }

    private static string Line(long offset, long timestamp, Position root, string key, byte[]? before, byte[]? after) => string.Create(
        CultureInfo.InvariantCulture, $"{offset} {timestamp} {root} {key} {Text(before)} {Text(after)}\n");

    private static string Text(byte[]? bytes) => bytes is null ? "null" : Encoding.UTF8.GetString(bytes);
}
