using ActorStreams.Log;

namespace ActorStreams.Client;

/// <summary>A topic of the change log.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="Kind">source, input, dead-letters or other.</param>
/// <param name="Partitions">The offsets of each partition.</param>
/// <param name="Partitioner">How its producers choose a key's partition.</param>
public sealed record TopicInfo(
    string Topic, string Kind, IReadOnlyList<PartitionOffsets> Partitions, KeyPartitioner Partitioner = KeyPartitioner.Murmur2);

/// <summary>The offsets one partition holds: from <paramref name="Start"/> up to, and without, <paramref name="End"/>.</summary>
/// <param name="Partition">The partition's number.</param>
/// <param name="Start">The first offset kept.</param>
/// <param name="End">The offset the next record will get.</param>
public sealed record PartitionOffsets(int Partition, long Start, long End);
