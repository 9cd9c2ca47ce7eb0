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
    /// <exception cref="TopicNotDeletableException">An input log may not be deleted, and nothing was changed.</exception>
    public static async Task RunAsync(Topology topology, IChangeLog log, IStateStore store, CancellationToken cancellationToken = default)
    {
        var views = topology.Datasets.Where(dataset => dataset.Kind == DatasetKind.View);
        var inputs = views.Select(view => view.Topic).Except(topology.SourceTopics).ToHashSet();
        var topics = await log.ListTopicsAsync(cancellationToken).ConfigureAwait(false);
        List<string> deleted = [.. topics.Select(topic => topic.Topic).Where(inputs.Contains)];
        await log.CheckDeletableAsync(deleted, cancellationToken).ConfigureAwait(false);
        // States first: with states and no input log a view would have folded what is no longer there.
        await store.ClearAsync(cancellationToken).ConfigureAwait(false);
        await store.WriteDatasetsAsync(new Dictionary<string, string>(), cancellationToken).ConfigureAwait(false);
        foreach (var topic in deleted)
            await log.DeleteTopicAsync(topic, cancellationToken).ConfigureAwait(false);
    }
}
