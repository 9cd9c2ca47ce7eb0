using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Batch;

/// <summary>Takes a system back to its source topics: the truth stays, everything derived is forgotten and will be folded again.</summary>
public static class Rebuild
{
    /// <summary>Forgets all states, and deletes the views' input logs. No partition may run meanwhile.</summary>
    public static async Task RunAsync(Topology topology, IChangeLog log, IStateStore store, CancellationToken cancellationToken = default)
    {
        // States first: with states and no input log a view would have folded what is no longer there.
        await store.ClearAsync(cancellationToken).ConfigureAwait(false);
        await store.WriteDatasetsAsync(new Dictionary<string, string>(), cancellationToken).ConfigureAwait(false);
        foreach (var topic in await log.ListTopicsAsync(cancellationToken).ConfigureAwait(false))
        {
            if (TopicNames.IsInput(topology.Application, topic.Topic))
                await log.DeleteTopicAsync(topic.Topic, cancellationToken).ConfigureAwait(false);
        }
    }
}
