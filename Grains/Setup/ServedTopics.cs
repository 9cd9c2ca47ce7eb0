using ActorStreams.Definitions;
using ActorStreams.Partitions;
using Microsoft.Extensions.Options;

namespace ActorStreams.Grains.Setup;

/// <summary>
/// The topics that are served to callers: those of the topology, and those that <c>Streams:OtherTopics</c> lists. The silo's rights
/// to the rest of the cluster are lent to nobody.
/// </summary>
public sealed class ServedTopics(Topology topology, IOptions<StreamsOptions> options)
{
    private readonly HashSet<string> _others = [.. options.Value.OtherTopics];

    /// <summary>Whether a topic is one of the topology: a source topic, an input log, or the dead letters.</summary>
    public bool IsOfTopology(string topic) => topology.SourceTopics.Contains(topic) || topology.IsWrittenByUs(topic);

    /// <summary>Whether a topic is served at all.</summary>
    public bool Contains(string topic) => IsOfTopology(topic) || _others.Contains(topic);

    /// <summary>Refuses a topic that is not served, whether or not the cluster has it.</summary>
    /// <exception cref="RequestRefusedException">The topic is not served.</exception>
    public void Check(string topic)
    {
        if (!Contains(topic))
        {
            throw new RequestRefusedException(404, "No such topic",
                $"The topology has no topic '{topic}'. Its source topics are: {string.Join(", ", topology.SourceTopics)}. "
                + "Other topics are served where Streams:OtherTopics lists them.");
        }
    }
}
