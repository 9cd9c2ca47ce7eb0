using System.Buffers;
using ActorStreams.Formats;

namespace ActorStreams.Frames;

/// <summary>
/// For each origin partition the highest origin that a view partition has folded (semantics §5). A change whose origin is not above its
/// mark is a repeat. Stored form, version 2: <c>version:byte(2) failedMembers</c>, then for each mark <c>source:text partition offset
/// index</c>, numbers as varints. Version 1 has no failed members.
/// </summary>
internal sealed class Marks
{
    private const byte WithoutFailedMembers = 1;
    private const byte FormatVersion = 2;
    private readonly Dictionary<(string Source, int Partition), Origin> _marks = [];

    /// <summary>How many sources of view keys could not be folded: as long as there are none, none is looked for in the store.</summary>
    internal long FailedMembers { get; set; }

    /// <summary>Raises the mark to this origin. True when the mark was below it: the change is new.</summary>
    internal bool Raise(string source, int partition, Origin origin)
    {
        ref var mark = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
            _marks, (source, partition), out var exists);
        if (exists && origin.CompareTo(mark) <= 0)
            return false;
        mark = origin;
        return true;
    }

    internal byte[] Write()
    {
        var writer = new ArrayBufferWriter<byte>();
        writer.Write([FormatVersion]);
        writer.WriteVarInt((ulong)FailedMembers);
        foreach (var ((source, partition), origin) in _marks.OrderBy(m =>
            m.Key.Source, StringComparer.Ordinal).ThenBy(m => m.Key.Partition))
        {
            writer.WriteText(source);
            writer.WriteVarInt((ulong)partition);
            writer.WriteVarInt((ulong)origin.Offset);
            writer.WriteVarInt((ulong)origin.Index);
        }

        return writer.WrittenSpan.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are not marks this version can read.</exception>
    internal static Marks Read(ReadOnlyMemory<byte> bytes)
    {
        var marks = new Marks();
        if (bytes.IsEmpty)
            return marks;
        var reader = new VarIntReader(bytes);
        var version = reader.ReadByte();
        if (version > FormatVersion)
            throw new InvalidDataException(
                $"Stored marks have format version {version}, but this program reads version {FormatVersion}. Run a newer one.");
        if (version > WithoutFailedMembers)
            marks.FailedMembers = (long)reader.ReadVarInt();
        while (!reader.AtEnd)
            marks._marks[(reader.ReadText(), reader.ReadCount())] = new((long)reader.ReadVarInt(), (long)reader.ReadVarInt());
        return marks;
    }
}
