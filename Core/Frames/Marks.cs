using System.Buffers;
using ActorStreams.Formats;

namespace ActorStreams.Frames;

/// <summary>
/// For each origin partition the highest origin that a view partition has folded, and the epoch of the edge from there (semantics §5). A
/// change whose origin is not above its mark is a repeat; a frame of an epoch before does not count (<see cref="EdgeReach"/>). Stored form,
/// version 3: <c>version:byte(3) failedMembers</c>, then for each mark <c>source:text partition epoch offset+1 index</c>, numbers as
/// varints. Version 2 has no epochs and the offset itself; version 1 has no failed members either.
/// </summary>
internal sealed class Marks
{
    private const byte WithoutFailedMembers = 1;
    private const byte WithoutEpochs = 2;
    private const byte FormatVersion = 3;

    /// <summary>Nothing folded yet.</summary>
    private static readonly Origin None = new(-1, 0);
    private readonly Dictionary<(string Source, int Partition), Mark> _marks = [];

    /// <summary>How many sources of view keys could not be folded: as long as there are none, none is looked for in the store.</summary>
    internal long FailedMembers { get; set; }

    /// <summary>Whether a frame of an epoch counts. One of a later epoch ends those before.</summary>
    internal bool Admits(string source, int partition, long epoch)
    {
        if (!_marks.TryGetValue((source, partition), out var mark))
            mark = new(0, None);
        if (epoch > mark.Epoch)
            _marks[(source, partition)] = mark with { Epoch = epoch };
        return epoch >= mark.Epoch;
    }

    /// <summary>Raises the mark to this origin. True when the mark was below it: the change is new.</summary>
    internal bool Raise(string source, int partition, Origin origin)
    {
        ref var mark = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
            _marks, (source, partition), out var exists);
        if (exists && origin.CompareTo(mark.Origin) <= 0)
            return false;
        mark = new(exists ? mark.Epoch : 0, origin);
        return true;
    }

    internal byte[] Write()
    {
        var writer = new ArrayBufferWriter<byte>();
        writer.Write([FormatVersion]);
        writer.WriteVarInt((ulong)FailedMembers);
        foreach (var ((source, partition), (epoch, origin)) in _marks.OrderBy(m =>
            m.Key.Source, StringComparer.Ordinal).ThenBy(m => m.Key.Partition))
        {
            writer.WriteText(source);
            writer.WriteVarInt((ulong)partition);
            writer.WriteVarInt((ulong)epoch);
            writer.WriteVarInt((ulong)(origin.Offset + 1));
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
        {
            var source = (reader.ReadText(), reader.ReadCount());
            marks._marks[source] = version > WithoutEpochs
                ? new((long)reader.ReadVarInt(), new((long)reader.ReadVarInt() - 1, (long)reader.ReadVarInt()))
                : new(0, new((long)reader.ReadVarInt(), (long)reader.ReadVarInt()));
        }

        return marks;
    }

    private readonly record struct Mark(long Epoch, Origin Origin);
}
