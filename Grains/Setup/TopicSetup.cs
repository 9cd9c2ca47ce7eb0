using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Grains.Setup;

/// <summary>
/// Before anything runs: the topics exist as the topology needs them, and what is stored was folded by these definitions. Otherwise states
/// would be mixed of two definitions, or views would lack what their sources folded before they existed. A source topic that exists is only
/// described: it belongs to its producers.
/// </summary>
public sealed class TopicSetup(Topology topology, IChangeLog log, IStateStore store)
{
    /// <exception cref="TopicMismatchException">A view's input log has another number of partitions.</exception>
    /// <exception cref="SourceTopicChangedException">A source topic has other partitions than those that were folded, and its keys would
    /// not be where they were.</exception>
    /// <exception cref="DefinitionsChangedException">The stored states come from other definitions.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var stored = await store.ReadDatasetsAsync(cancellationToken);
        await SetUpSourcesAsync(stored, cancellationToken);
        foreach (var view in topology.Datasets.Where(dataset => dataset.Kind == DatasetKind.View))
            await log.CreateTopicAsync(view.Topic, view.Partitions, cancellationToken);
        await log.CreateTopicAsync(topology.DeadLetterTopic, 1, cancellationToken);
        var now = topology.Datasets.ToDictionary(dataset => dataset.Name, dataset => Describe(dataset, dataset.Partitions));
        var faults = new List<string>();
        foreach (var dataset in topology.Datasets)
            await CheckAsync(dataset, stored, now, faults, cancellationToken);
        if (faults.Count > 0)
        {
            // Another silo may have set up, and begun to fold, since the descriptions were read here.
            if (IsSame(stored, await store.ReadDatasetsAsync(cancellationToken)))
                throw new DefinitionsChangedException(faults);
            await RunAsync(cancellationToken);
            return;
        }

        await store.WriteDatasetsAsync(
            stored.Concat(now).GroupBy(d => d.Key).ToDictionary(d => d.Key, d => d.Last().Value), cancellationToken);
    }

    private static bool IsSame(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Count == other.Count && one.All(dataset => other.GetValueOrDefault(dataset.Key) == dataset.Value);

    private async Task SetUpSourcesAsync(IReadOnlyDictionary<string, string> stored, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        foreach (var topic in topology.SourceTopics)
        {
            var entities = topology.Datasets.Where(dataset => dataset.Topic == topic).ToList();
            var there = (await log.DescribeAsync(topic, cancellationToken))?.Partitions;
            foreach (var entity in entities)
            {
                if (await FoldedPartitionsAsync(entity, stored, cancellationToken) is { } folded
                    && FaultOf(entity, folded, there) is { } fault)
                    faults.Add(fault);
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

    /// <summary>
    /// How many partitions the topic had when the stored states of this very definition were folded; null when nothing was folded of it.
    /// </summary>
    private async Task<int?> FoldedPartitionsAsync(
        Dataset entity, IReadOnlyDictionary<string, string> stored, CancellationToken cancellationToken)
    {
        if (!stored.TryGetValue(entity.Name, out var before)
            || JsonSerializer.Deserialize<Description>(before, JsonSerializerOptions.Web) is not { } description
            || (description.Version, description.Topic) != (entity.Version, entity.Topic))
        {
            return null;
        }

        return await HasFoldedAsync(entity, description.Partitions, cancellationToken) ? description.Partitions : null;
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

    private async Task CheckAsync(
        Dataset dataset, IReadOnlyDictionary<string, string> stored, Dictionary<string, string> now, List<string> faults,
        CancellationToken cancellationToken)
    {
        if (stored.TryGetValue(dataset.Name, out var before) && IsSame(dataset, before))
            return;
        foreach (var source in dataset.Sources)
        {
            if (await HasFoldedAsync(source, source.Partitions, cancellationToken))
            {
                faults.Add(before is null
                    ? $"The {dataset} is new, but its source '{source.Name}' has already folded records, whose changes the view would lack."
                    : $"The {dataset} was {before} and is now {now[dataset.Name]}, but its source '{source.Name}' has already folded "
                        + "records.");
            }
        }

        if (before is not null && dataset.Kind == DatasetKind.Entity && dataset.Dependents.Any(view => stored.ContainsKey(view.Name)))
            faults.Add(
                $"The {dataset} was {before} and is now {now[dataset.Name]}, but its views "
                + $"{string.Join(", ", dataset.Dependents.Select(d => $"'{d.Name}'"))} were folded from it as it was.");
    }

    /// <summary>
    /// Whether folding can continue on the stored states. The partitions of a source topic have been checked before: a remaining
    /// difference is harmless.
    /// </summary>
    private static bool IsSame(Dataset dataset, string before) => before == Describe(
        dataset,
        dataset.Kind == DatasetKind.Entity && JsonSerializer.Deserialize<Description>(before, JsonSerializerOptions.Web) is { } description
            ? description.Partitions
            : dataset.Partitions);

    private async Task<bool> HasFoldedAsync(Dataset dataset, int partitions, CancellationToken cancellationToken)
    {
        for (var partition = 0; partition < partitions; partition++)
        {
            if (await store.ReadCheckpointAsync(new(dataset.Name, dataset.Version, partition), cancellationToken) is { Position: > 0 })
                return true;
        }

        return false;
    }

    /// <summary>What must stay the same for folding to continue on stored states.</summary>
    private static string Describe(Dataset dataset, int partitions) => JsonSerializer.Serialize(
        new Description(
            dataset.Version, dataset.Topic, partitions, [.. dataset.Sources.Select(source => $"{source.Name}.v{source.Version}")]),
        JsonSerializerOptions.Web);

    private sealed record Description(int Version, string Topic, int Partitions, IReadOnlyList<string> Sources);
}

/// <summary>
/// The stored states were folded by other definitions. Start with <c>--rebuild</c> to fold everything again from the log,
/// or take another data directory.
/// </summary>
public sealed class DefinitionsChangedException(IReadOnlyList<string> faults) : Exception(
    $"The definitions have changed since the stored states were folded:{string.Concat(faults.Select(fault => "\n- " + fault))}\n"
    + "Start once with --rebuild to fold everything again from the source topics, or with another data directory.");

/// <summary>A source topic has not the partitions that were folded of it. Each fault names its remedies.</summary>
public sealed class SourceTopicChangedException(IReadOnlyList<string> faults) : Exception(string.Join('\n', faults));
