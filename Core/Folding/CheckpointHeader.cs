using System.Buffers;
using ActorStreams.Formats;

namespace ActorStreams.Folding;

/// <summary>
/// What a checkpoint keeps beside position and states, in sections that say what they are. Stored form, version 4:
/// <c>version:byte(4)</c>, then for each section <c>tag:byte length bytes</c>, tags rising. A section that this program does not know is
/// refused, since going on without it would lose what it says. Versions before are one section without a head: <see cref="EntityMarks"/>
/// for an entity, <see cref="Frames.Marks"/> for a view.
/// </summary>
internal sealed class CheckpointHeader
{
    private const byte FormatVersion = 4;
    private readonly SortedDictionary<Section, ReadOnlyMemory<byte>> _sections = [];

    /// <summary>What the sections hold.</summary>
    internal enum Section : byte
    {
        /// <summary>A view's marks.</summary>
        Marks = 1,

        /// <summary>An entity's misplaced records, and those that are set aside.</summary>
        Records = 2,

        /// <summary>The edges to views, and how far each reaches.</summary>
        Edges = 3,

        /// <summary>Which log the position was reached in: <c>topic:text epoch+1</c>, no text where the topic has no id.</summary>
        Log = 4,
    }

    /// <summary>The bytes of a section; null where there is none.</summary>
    internal ReadOnlyMemory<byte>? this[Section section]
    {
        get => _sections.TryGetValue(section, out var bytes) ? bytes : default(ReadOnlyMemory<byte>?);
        set => _sections[section] = value ?? throw new ArgumentNullException(nameof(value));
    }

    internal byte[] Write()
    {
        var writer = new ArrayBufferWriter<byte>();
        writer.Write([FormatVersion]);
        foreach (var (section, bytes) in _sections)
        {
            writer.Write([(byte)section]);
            writer.WriteBytes(bytes.Span);
        }

        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a header, of this form or of one before.</summary>
    /// <param name="bytes">The stored bytes; none for no header.</param>
    /// <param name="whole">The section that the forms before were alone.</param>
    /// <exception cref="InvalidDataException">The bytes are of a form this version cannot read.</exception>
    internal static CheckpointHeader Read(ReadOnlyMemory<byte> bytes, Section whole)
    {
        var header = new CheckpointHeader();
        if (bytes.IsEmpty)
            return header;
        if (bytes.Span[0] < FormatVersion)
        {
            header[whole] = bytes;
            return header;
        }

        if (bytes.Span[0] > FormatVersion)
            throw new InvalidDataException(
                $"A stored checkpoint has format version {bytes.Span[0]}, but this program reads version {FormatVersion}. "
                + "Run a newer one.");
        var reader = new VarIntReader(bytes[1..]);
        while (!reader.AtEnd)
        {
            var section = (Section)reader.ReadByte();
            if (!Enum.IsDefined(section))
                throw new InvalidDataException(
                    $"A stored checkpoint has a section {(byte)section}, which this program does not know. Run a newer one.");
            header[section] = reader.ReadBytes();
        }

        return header;
    }
}
