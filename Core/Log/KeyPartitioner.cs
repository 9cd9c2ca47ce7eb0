namespace ActorStreams.Log;

/// <summary>How the producers of a topic choose the partition of a key.</summary>
public enum KeyPartitioner
{
    /// <summary>
    /// murmur2, as Kafka's Java clients do by default, librdkafka's <c>murmur2</c> and <c>murmur2_random</c>, and this system itself.
    /// </summary>
    Murmur2,

    /// <summary>
    /// CRC32, as librdkafka's <c>consistent</c> and <c>consistent_random</c> do, the default of its clients (.NET, Python, Go, Node.js).
    /// <c>consistent_random</c> puts an empty key anywhere, so with this one an empty key has no home.
    /// </summary>
    Crc32,

    /// <summary>
    /// Unknown: a key may lie in any partition, and a read searches all of them. Records appended through a silo are placed by murmur2.
    /// </summary>
    Unknown,
}
