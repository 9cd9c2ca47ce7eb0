using System.Buffers;
using ActorStreams.DeadLetters;
using ActorStreams.Formats;
using ActorStreams.Log;

namespace ActorStreams.Folding;

/// <summary>
/// What a checkpoint of an entity's partition keeps where a view's has its marks: the records found where their key does not belong, and
/// those set aside. Stored form, version 3:
/// <c>version:byte(3) partitioner:byte records first countedFrom</c> as varints, <c>first</c> plus one, then <see cref="SetAsideOffsets"/>.
/// Version 2 ends before those. Version 1, or nothing, is no misplaced record by murmur2, and nothing known of what was set aside.
/// </summary>
/// <remarks>
/// The partitioner is part of it, since what is misplaced by one is not by another. Under a new one the count begins again, and the records
/// before are as good as misplaced: their keys are looked for everywhere.
/// </remarks>
internal static class EntityMarks
{
    private const byte NoneByMurmur2 = 1;
    private const byte MisplacedAlone = 2;
    private const byte FormatVersion = 3;

    internal readonly record struct Counted(long Records, long First, long From, SetAsideOffsets SetAside);

    internal static byte[] Write(PartitionFold fold, KeyPartitioner partitioner, SetAsideOffsets setAside)
    {
        var writer = new ArrayBufferWriter<byte>();
        writer.Write([FormatVersion, (byte)partitioner]);
        writer.WriteVarInt((ulong)fold.MisplacedRecords);
        writer.WriteVarInt((ulong)(fold.FirstMisplaced + 1));
        writer.WriteVarInt((ulong)fold.CountedFrom);
        setAside.Write(writer);
        return writer.WrittenSpan.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are of a form this version cannot read.</exception>
    internal static Counted Read(ReadOnlyMemory<byte> bytes, KeyPartitioner partitioner, long position)
    {
        var reader = new VarIntReader(bytes);
        var version = bytes.IsEmpty ? NoneByMurmur2 : reader.ReadByte();
        if (version > FormatVersion)
            throw new InvalidDataException(
                $"A stored checkpoint of an entity has format version {version}, but this program reads version {FormatVersion}. "
                + "Run a newer one.");
        var counted = version >= MisplacedAlone
            ? (Partitioner: (KeyPartitioner)reader.ReadByte(), Records: (long)reader.ReadVarInt(), First: (long)reader.ReadVarInt() - 1,
                From: (long)reader.ReadVarInt())
            : (KeyPartitioner.Murmur2, 0, -1, 0);
        var setAside = version == FormatVersion ? SetAsideOffsets.Read(ref reader) : SetAsideOffsets.UnknownBefore(position);
        return counted.Partitioner == partitioner
            ? new(counted.Records, counted.First, counted.From, setAside)
            : new(0, -1, position, setAside);
    }
}
