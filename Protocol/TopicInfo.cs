using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>What a topic is to the topology.</summary>
[JsonConverter(typeof(WordConverter<TopicKind>))]
public enum TopicKind
{
    /// <summary>No topic of this topology, or a kind that this version does not know.</summary>
    [JsonStringEnumMemberName("other")]
    Unknown,

    /// <summary>Records of it are folded by entities.</summary>
    Source,

    /// <summary>The input log of a view.</summary>
    Input,

    /// <summary>What could not be folded.</summary>
    [JsonStringEnumMemberName("dead-letters")]
    DeadLetters,
}

/// <summary>A topic of the change log.</summary>
/// <param name="Topic">Its name.</param>
/// <param name="Kind">What it is to the topology.</param>
/// <param name="Partitions">The offsets of each partition.</param>
/// <param name="Partitioner">How its producers choose a key's partition.</param>
public sealed record TopicInfo(
    string Topic, TopicKind Kind, IReadOnlyList<PartitionOffsets> Partitions,
    [property: JsonConverter(typeof(WordConverter<KeyPartitioner>))] KeyPartitioner Partitioner = KeyPartitioner.Murmur2);

/// <summary>The offsets one partition holds: from <paramref name="Start"/> up to, and without, <paramref name="End"/>.</summary>
/// <param name="Partition">The partition's number.</param>
/// <param name="Start">The first offset kept.</param>
/// <param name="End">The offset the next record will get.</param>
public sealed record PartitionOffsets(int Partition, long Start, long End);
