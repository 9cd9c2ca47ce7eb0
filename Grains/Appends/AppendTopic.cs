using ActorStreams.Log;

namespace ActorStreams.Grains.Appends;

/// <summary>A topic that may be appended to, and what one record of it may be.</summary>
/// <param name="Name">The topic.</param>
/// <param name="Partitions">Its partitions.</param>
/// <param name="Limits">What the topic itself takes.</param>
public sealed record AppendTopic(string Name, int Partitions, TopicLimits Limits);
