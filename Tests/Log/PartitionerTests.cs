using System.Runtime.InteropServices;
using System.Text;
using ActorStreams.Log;
using CsCheck;

namespace ActorStreams.Tests.Log;

public sealed class PartitionerTests
{
    // From Kafka's own UtilsTest.testMurmur2.
    [Theory]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]
    [InlineData("abc", 479470107)]
    public void Murmur2_gives_what_Kafka_gives(string key, int hash) =>
        Assert.Equal(hash, (int)Partitioner.Murmur2(Encoding.UTF8.GetBytes(key)));

    // The check value of the CRC catalogue, and zlib's own.
    [Theory]
    [InlineData("123456789", 0xcbf43926)]
    [InlineData("", 0)]
    [InlineData("a", 0xe8b7be43)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x414fa339)]
    public void Crc32_gives_what_zlib_gives(string key, uint crc) => Assert.Equal(crc, Partitioner.Crc32(Encoding.UTF8.GetBytes(key)));

    [Fact]
    public void Keys_lie_where_librdkafka_puts_them() => Gen.Select(Gen.Byte.Array[1, 200], Gen.Int[1, 2_000]).Sample((key, partitions) =>
        Partitioner.PartitionOf(key, partitions, KeyPartitioner.Crc32) == Librdkafka.Consistent(0, key, (nuint)key.Length, partitions, 0, 0)
        && Partitioner.PartitionOf(key, partitions) == Librdkafka.Murmur2(0, key, (nuint)key.Length, partitions, 0, 0)
        && Partitioner.PartitionOf(key, partitions, KeyPartitioner.Unknown) == Partitioner.PartitionOf(key, partitions));

    /// <summary>The partitioners themselves: they look at nothing but the key and the number.</summary>
    private static class Librdkafka
    {
        [DllImport("librdkafka", EntryPoint = "rd_kafka_msg_partitioner_consistent")]
        internal static extern int Consistent(nint topic, byte[] key, nuint length, int partitions, nint topicOpaque, nint messageOpaque);

        [DllImport("librdkafka", EntryPoint = "rd_kafka_msg_partitioner_murmur2")]
        internal static extern int Murmur2(nint topic, byte[] key, nuint length, int partitions, nint topicOpaque, nint messageOpaque);

        static Librdkafka() => NativeLibrary.SetDllImportResolver(typeof(Librdkafka).Assembly, (name, _, _) => name != "librdkafka" ? 0
            : Directory.GetFiles(AppContext.BaseDirectory, "*librdkafka.*", SearchOption.AllDirectories)
                .Select(file => NativeLibrary.TryLoad(file, out var library) ? library : 0).First(library => library != 0));
    }

    [Fact]
    public void A_key_lies_in_one_of_the_partitions_and_text_lies_where_its_bytes_do() => Gen
        .Select(Gen.String[0, 600], Gen.Int[1, 1_000])
        .Sample((key, partitions) =>
        {
            var partition = Partitioner.PartitionOf(key, partitions);
            return partition >= 0 && partition < partitions
                && partition == Partitioner.PartitionOf(Encoding.UTF8.GetBytes(key), partitions);
        });
}
