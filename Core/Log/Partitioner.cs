using System.Buffers.Binary;
using System.Text;

namespace ActorStreams.Log;

/// <summary>
/// Says which partition a key belongs to, so that records of other producers and ours lie together: murmur2 of its bytes, as Kafka's Java
/// clients do by default (<c>org.apache.kafka.common.utils.Utils.murmur2</c>), or CRC32, as librdkafka does
/// (<c>rd_kafka_msg_partitioner_consistent</c>).
/// </summary>
/// <remarks>
/// Producers put a record without a key anywhere; it belongs to no entity. An empty key is one like others, but see
/// <see cref="KeyPartitioner.Crc32"/>.
/// </remarks>
public static class Partitioner
{
    private const uint Seed = 0x9747b28c;
    private const uint M = 0x5bd1e995;
    private const int StackBytes = 512;

    /// <summary>zlib's polynomial, its bits in reverse.</summary>
    private const uint Crc32Polynomial = 0xedb88320;

    private static readonly uint[] Crc32Table = [.. Enumerable.Range(0, 256).Select(value =>
    {
        var crc = (uint)value;
        for (var bit = 0; bit < 8; bit++)
            crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ Crc32Polynomial;
        return crc;
    })];

    /// <summary>
    /// The partition of a key, from 0 to <paramref name="partitions"/> - 1; with an unknown partitioner the one that murmur2 gives.
    /// </summary>
    public static int PartitionOf(ReadOnlySpan<byte> key, int partitions, KeyPartitioner partitioner = KeyPartitioner.Murmur2) =>
        partitioner == KeyPartitioner.Crc32
            ? (int)(Crc32(key) % (uint)partitions)
            : (int)((Murmur2(key) & 0x7fffffff) % (uint)partitions);

    /// <summary>The partition of a key written as text.</summary>
    public static int PartitionOf(string key, int partitions, KeyPartitioner partitioner = KeyPartitioner.Murmur2)
    {
        var most = Encoding.UTF8.GetMaxByteCount(key.Length);
        if (most > StackBytes)
            return PartitionOf(Encoding.UTF8.GetBytes(key), partitions, partitioner);
        Span<byte> bytes = stackalloc byte[StackBytes];
        return PartitionOf(bytes[..Encoding.UTF8.GetBytes(key, bytes)], partitions, partitioner);
    }

    /// <summary>The 32-bit CRC of zlib, which librdkafka uses.</summary>
    public static uint Crc32(ReadOnlySpan<byte> data)
    {
        // A byte at a time: keys are short, and .NET has this polynomial in hardware on ARM alone.
        var crc = uint.MaxValue;
        foreach (var value in data)
            crc = Crc32Table[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    /// <summary>The 32-bit murmur2 hash that Kafka uses.</summary>
    public static uint Murmur2(ReadOnlySpan<byte> data)
    {
        var hash = Seed ^ (uint)data.Length;
        for (; data.Length >= 4; data = data[4..])
        {
            var k = BinaryPrimitives.ReadUInt32LittleEndian(data) * M;
            k ^= k >> 24;
            hash = (hash * M) ^ (k * M);
        }

        if (data.Length > 2)
            hash ^= (uint)data[2] << 16;
        if (data.Length > 1)
            hash ^= (uint)data[1] << 8;
        if (data.Length > 0)
            hash = (hash ^ data[0]) * M;
        hash = (hash ^ (hash >> 13)) * M;
        return hash ^ (hash >> 15);
    }
}
