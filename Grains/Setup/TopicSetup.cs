using ActorStreams.Builds;
using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Grains.Setup;

/// <summary>
/// Before anything runs: the source topics exist as the topology needs them, each definition has a build (<see cref="BuildPlan"/>), and
/// those builds have their input logs. A source topic that exists is only described: it belongs to its producers.
/// </summary>
public sealed class TopicSetup(Topology topology, IChangeLog log, IStateStore store, LiveBuilds builds, TimeProvider time)
{
    /// <exception cref="TopicMismatchException">A view's input log has another number of partitions.</exception>
    /// <exception cref="SourceTopicChangedException">A source topic has other partitions than those that were folded, and its keys would
    /// not be where they were.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var legacy = await store.ReadDatasetsAsync(cancellationToken);
        await builds.ChangeAsync(
            catalog => catalog.Number == 0 && legacy.Count > 0
                ? LegacyBuilds.Adopt(legacy, topology.Definitions, time.GetUtcNow()) : catalog,
            cancellationToken);
        await SetUpSourcesAsync(cancellationToken);
        await log.CreateTopicAsync(topology.DeadLetterTopic, 1, cancellationToken);
        await builds.PlanAsync(cancellationToken);
        await builds.DeleteRetiredAsync(cancellationToken);
    }

    /// <summary>
    /// Forgets everything that is derived: all builds, their states and input logs. No silo may run. What is cut short here is finished by
    /// the next start, of which kind ever.
    /// </summary>
    /// <exception cref="TopicNotDeletableException">An input log may not be deleted, and nothing was changed.</exception>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        var known = BuildCatalog.Read(await store.ReadCatalogAsync(cancellationToken)).Builds
            .Where(build => build.Kind == DatasetKind.View).Select(build => build.Topic).ToHashSet();
        var topics = await log.ListTopicsAsync(cancellationToken);
        await log.CheckDeletableAsync([.. topics.Select(topic => topic.Topic).Where(known.Contains)], cancellationToken);
        var legacy = await store.ReadDatasetsAsync(cancellationToken);
        await builds.ChangeAsync(
            catalog => LiveBuilds.Retire(
                catalog.Number == 0 ? LegacyBuilds.Adopt(legacy, topology.Definitions, time.GetUtcNow()) : catalog, _ => true) with
            {
                Active = new Dictionary<string, int>(), Previous = new Dictionary<string, int>(), Held = [],
            },
            cancellationToken);
        await builds.DeleteRetiredAsync(cancellationToken);
    }

    private async Task SetUpSourcesAsync(CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        foreach (var topic in topology.SourceTopics.ToList())
        {
            var entities = topology.Definitions.Where(dataset => dataset.Topic == topic).ToList();
            if (entities.Count == 0)
                continue; // only a build of a former definition reads it
            var there = (await log.DescribeAsync(topic, cancellationToken))?.Partitions;
            foreach (var entity in entities)
            {
                await FollowPartitionsAsync(entity, there, faults, cancellationToken);
                entity.Partitions = there ?? entity.Partitions;
            }

            if (there is not null)
                await log.CheckSourceAsync(topic, cancellationToken);
            else if (faults.Count == 0)
                await log.CreateTopicAsync(topic, entities[0].Partitions, cancellationToken);
        }

        if (faults.Count > 0)
            throw new SourceTopicChangedException(faults);
    }

    /// <summary>The builds of an entity follow the partitions of its topic, where what was folded allows it.</summary>
    private async Task FollowPartitionsAsync(Dataset entity, int? there, List<string> faults, CancellationToken cancellationToken)
    {
        var folded = builds.Catalog.Builds
            .Where(build => build.Dataset == entity.Name && build.IsWhole
                && build.Topic == entity.Topic && build.Partitions != there).ToList();
        foreach (var build in folded)
        {
            if (await HasFoldedAsync(build, cancellationToken) && FaultOf(entity, build.Partitions, there) is { } fault)
                faults.Add(fault);
            else if (there is { } partitions)
                await builds.ChangeAsync(
                    catalog => catalog.With(build.Id, one => one with { Partitions = partitions }), cancellationToken);
        }
    }

    private static string? FaultOf(Dataset entity, int folded, int? there) => there switch
    {
        null => $"Topic '{entity.Topic}' is gone, but records of its {folded} partitions are folded into the {entity}. "
            + "Bring it back, or start once with --rebuild.",
        { } fewer when fewer < folded =>
            $"Topic '{entity.Topic}' has {fewer} partitions, but {folded} are recorded for the {entity}: "
            + "this is another topic than the one that was folded. Bring it back, or start once with --rebuild.",
        { } more when more > folded && entity.Partitioner != KeyPartitioner.Unknown =>
            $"Topic '{entity.Topic}' has {more} partitions, but {folded} are recorded for the {entity}: "
            + $"keys have changed partition and lost their order. Copy its records, in order, to a new topic of {more} "
            + "partitions, and fold that one. Or, where it is enough that a key's later records begin a new state in their new partition, "
            + "which reads then give: start once with --rebuild, "
            + "or declare PartitionedBy(KeyPartitioner.Unknown), which goes on with the stored states and looks for keys in all "
            + "partitions.",
        _ => null,
    };

    private async Task<bool> HasFoldedAsync(Build build, CancellationToken cancellationToken)
    {
        for (var partition = 0; partition < build.Partitions; partition++)
        {
            if (await store.ReadCheckpointAsync(new(build.Dataset, build.Number, partition), cancellationToken) is { Position: > 0 })
                return true;
        }

        return false;
    }
}

/// <summary>A source topic has not the partitions that were folded of it. Each fault names its remedies.</summary>
public sealed class SourceTopicChangedException(IReadOnlyList<string> faults) : Exception(string.Join('\n', faults));
