using System.Buffers;
using ActorStreams.Log;

namespace ActorStreams.Folding;

/// <summary>
/// What a checkpoint of an entity's partition keeps where a view's has its marks: the records found where their key does not belong. Stored form, version 2:
/// <c>version:byte(2) partitioner:byte records first countedFrom</c> as varints, <c>first</c> plus one. Version 1, or nothing, is none of them by murmur2: the usual case.
/// </summary>
/// <remarks>
/// The partitioner is part of it, since what is misplaced by one is not by another. Under a new one the count begins again, and the records before are as good as
/// misplaced: their keys are looked for everywhere.
/// </remarks>
internal static class MisplacedMarks
{
    private const byte NoneByMurmur2 = 1;
    private const byte FormatVersion = 2;

    internal static byte[] Write(PartitionFold fold, KeyPartitioner partitioner)
    {
        if (partitioner == KeyPartitioner.Murmur2 && !fold.MayHoldForeignKeys)
            return [NoneByMurmur2];
        var writer = new ArrayBufferWriter<byte>();
        writer.Write([FormatVersion, (byte)partitioner]);
        writer.WriteVarInt((ulong)fold.MisplacedRecords);
        writer.WriteVarInt((ulong)(fold.FirstMisplaced + 1));
        writer.WriteVarInt((ulong)fold.CountedFrom);
        return writer.WrittenSpan.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are of a form this version cannot read.</exception>
    internal static (long Records, long First, long CountedFrom) Read(ReadOnlyMemory<byte> bytes, KeyPartitioner partitioner, long position)
    {
        var reader = new VarIntReader(bytes);
        var counted = (Partitioner: KeyPartitioner.Murmur2, Records: 0L, First: -1L, From: 0L);
        switch (bytes.IsEmpty ? NoneByMurmur2 : reader.ReadByte())
        {
            case NoneByMurmur2:
                break;
            case FormatVersion:
                counted = ((KeyPartitioner)reader.ReadByte(), (long)reader.ReadVarInt(), (long)reader.ReadVarInt() - 1, (long)reader.ReadVarInt());
                break;
            case var version:
                throw new InvalidDataException($"A stored checkpoint of an entity has format version {version}, but this program reads version {FormatVersion}. Run a newer one.");
        }

        return counted.Partitioner == partitioner ? (counted.Records, counted.First, counted.From) : (0, -1, position);
    }
}
