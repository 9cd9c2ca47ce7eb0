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
    public void Murmur2_gives_what_Kafka_gives(string key, int hash) => Assert.Equal(hash, (int)Partitioner.Murmur2(Encoding.UTF8.GetBytes(key)));

    [Fact]
    public void A_key_lies_in_one_of_the_partitions_and_text_lies_where_its_bytes_do() => Gen
        .Select(Gen.String[0, 600], Gen.Int[1, 1_000])
        .Sample((key, partitions) =>
        {
            var partition = Partitioner.PartitionOf(key, partitions);
            return partition >= 0 && partition < partitions && partition == Partitioner.PartitionOf(Encoding.UTF8.GetBytes(key), partitions);
        });
}
