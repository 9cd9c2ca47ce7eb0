using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ActorStreams.Tests.Kafka.Brokers;

// AlterPartitionReassignments, version 0, which the client does not offer. Request: header 2 (type 45, version, correlation, client id,
// no tags); timeout; topics (compact array of name, partitions (compact array of number, replicas (compact array of broker), no tags), no
// tags), no tags. Response: correlation, tags; throttle time; error code ...; all big-endian.

/// <summary>Gives one partition its replicas in a new order, the first of which is the preferred leader.</summary>
internal static class Reassignment
{
    private const short RequestType = 45;
    private const int TimeoutMilliseconds = 10_000;

    public static async Task RequestAsync(int port, string topic, int partition, IReadOnlyList<int> replicas)
    {
        using var broker = new TcpClient();
        await broker.ConnectAsync(IPAddress.Loopback, port);
        var stream = broker.GetStream();
        await stream.WriteAsync(Request(topic, partition, replicas));
        var size = new byte[4];
        await stream.ReadExactlyAsync(size);
        var response = new byte[BinaryPrimitives.ReadInt32BigEndian(size)];
        await stream.ReadExactlyAsync(response);
        const int errorAt = 4 + 1 + 4;
        var error = BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(errorAt));
        Assert.True(error == 0, $"The replicas of {topic}/{partition} cannot be changed: {(Confluent.Kafka.ErrorCode)error}.");
    }

    private static byte[] Request(string topic, int partition, IReadOnlyList<int> replicas)
    {
        using var bytes = new MemoryStream();
        WriteInt32(bytes, 0); // the size, to be corrected
        WriteInt16(bytes, RequestType);
        WriteInt16(bytes, 0);
        WriteInt32(bytes, 1);
        WriteInt16(bytes, -1); // no client id
        bytes.WriteByte(0);
        WriteInt32(bytes, TimeoutMilliseconds);
        WriteCompactLength(bytes, 1);
        var name = Encoding.UTF8.GetBytes(topic);
        WriteCompactLength(bytes, name.Length);
        bytes.Write(name);
        WriteCompactLength(bytes, 1);
        WriteInt32(bytes, partition);
        WriteCompactLength(bytes, replicas.Count);
        foreach (var replica in replicas)
            WriteInt32(bytes, replica);
        bytes.Write([0, 0, 0]); // no tags of the partition, the topic and the request
        var request = bytes.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(request, request.Length - 4);
        return request;
    }

    private static void WriteInt16(MemoryStream bytes, short value)
    {
        Span<byte> buffer = stackalloc byte[2];
        BinaryPrimitives.WriteInt16BigEndian(buffer, value);
        bytes.Write(buffer);
    }

    private static void WriteInt32(MemoryStream bytes, int value)
    {
        Span<byte> buffer = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(buffer, value);
        bytes.Write(buffer);
    }

    /// <summary>One more than the length, as an unsigned number in groups of seven bits.</summary>
    private static void WriteCompactLength(MemoryStream bytes, int length)
    {
        var left = (uint)length + 1;
        for (; left >= 0x80; left >>= 7)
            bytes.WriteByte((byte)(left | 0x80));
        bytes.WriteByte((byte)left);
    }
}
