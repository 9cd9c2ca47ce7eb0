using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Batch;

/// <summary>Takes a system back to its source topics: the truth stays, everything derived is forgotten and will be folded again.</summary>
public static class Rebuild
{
    /// <summary>
    /// Forgets all states, and deletes the input logs of the topology's views: by exact name, never a source topic or a topic of
    /// another application. No partition may run meanwhile.
    /// </summary>
    public static async Task RunAsync(Topology topology, IChangeLog log, IStateStore store, CancellationToken cancellationToken = default)
    {
        // States first: with states and no input log a view would have folded what is no longer there.
        await store.ClearAsync(cancellationToken).ConfigureAwait(false);
        await store.WriteDatasetsAsync(new Dictionary<string, string>(), cancellationToken).ConfigureAwait(false);
        var views = topology.Datasets.Where(dataset => dataset.Kind == DatasetKind.View);
        var inputs = views.Select(view => view.Topic).Except(topology.SourceTopics).ToHashSet();
        foreach (var topic in await log.ListTopicsAsync(cancellationToken).ConfigureAwait(false))
        {
            if (inputs.Contains(topic.Topic))
                await log.DeleteTopicAsync(topic.Topic, cancellationToken).ConfigureAwait(false);
        }
    }
}
