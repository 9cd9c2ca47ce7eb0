using System.Buffers.Binary;
using System.Text;

namespace ActorStreams.Log;

/// <summary>
/// Says which partition a key belongs to: murmur2 of its bytes, as Kafka's Java clients do by default, so that records of other
/// producers and ours lie together (<c>org.apache.kafka.common.utils.Utils.murmur2</c>).
/// </summary>
public static class Partitioner
{
    private const uint Seed = 0x9747b28c;
    private const uint M = 0x5bd1e995;
    private const int StackBytes = 512;

    /// <summary>The partition of a key, from 0 to <paramref name="partitions"/> - 1.</summary>
    public static int PartitionOf(ReadOnlySpan<byte> key, int partitions) => (int)((Murmur2(key) & 0x7fffffff) % (uint)partitions);

    /// <summary>The partition of a key written as text.</summary>
    public static int PartitionOf(string key, int partitions)
    {
        var most = Encoding.UTF8.GetMaxByteCount(key.Length);
        if (most > StackBytes)
            return PartitionOf(Encoding.UTF8.GetBytes(key), partitions);
        Span<byte> bytes = stackalloc byte[StackBytes];
        return PartitionOf(bytes[..Encoding.UTF8.GetBytes(key, bytes)], partitions);
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
