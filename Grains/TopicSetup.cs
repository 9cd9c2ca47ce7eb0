using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Grains;

/// <summary>
/// Before anything runs: the topics exist as the topology needs them, and what is stored was folded by these definitions. Otherwise states would be mixed of two
/// definitions, or views would lack what their sources folded before they existed.
/// </summary>
internal sealed class TopicSetup(Topology topology, IChangeLog log, IStateStore store)
{
    /// <exception cref="TopicMismatchException">A view's input log has another number of partitions.</exception>
    /// <exception cref="DefinitionsChangedException">The stored states come from other definitions.</exception>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var dataset in topology.Datasets)
        {
            // A source topic belongs to its producers: it has the partitions it has.
            if (dataset.Kind == DatasetKind.Entity && await log.DescribeAsync(dataset.Topic, cancellationToken) is { } topic)
                dataset.Partitions = topic.Partitions;
            await log.CreateTopicAsync(dataset.Topic, dataset.Partitions, cancellationToken);
        }

        await log.CreateTopicAsync(topology.DeadLetterTopic, 1, cancellationToken);
        var stored = await store.ReadDatasetsAsync(cancellationToken);
        var now = topology.Datasets.ToDictionary(dataset => dataset.Name, Describe);
        var faults = new List<string>();
        foreach (var dataset in topology.Datasets)
            await CheckAsync(dataset, stored, now, faults, cancellationToken);
        if (faults.Count > 0)
            throw new DefinitionsChangedException(faults);
        await store.WriteDatasetsAsync(stored.Concat(now).GroupBy(d => d.Key).ToDictionary(d => d.Key, d => d.Last().Value), cancellationToken);
    }

    private async Task CheckAsync(
        Dataset dataset, IReadOnlyDictionary<string, string> stored, Dictionary<string, string> now, List<string> faults, CancellationToken cancellationToken)
    {
        if (stored.TryGetValue(dataset.Name, out var before) && before == now[dataset.Name])
            return;
        foreach (var source in dataset.Sources)
        {
            if (await HasFoldedAsync(source, cancellationToken))
            {
                faults.Add(before is null
                    ? $"The {dataset} is new, but its source '{source.Name}' has already folded records, whose changes the view would lack."
                    : $"The {dataset} was {before} and is now {now[dataset.Name]}, but its source '{source.Name}' has already folded records.");
            }
        }

        if (before is not null && dataset.Kind == DatasetKind.Entity && dataset.Dependents.Any(view => stored.ContainsKey(view.Name)))
            faults.Add($"The {dataset} was {before} and is now {now[dataset.Name]}, but its views {string.Join(", ", dataset.Dependents.Select(d => $"'{d.Name}'"))} were folded from it as it was.");
    }

    private async Task<bool> HasFoldedAsync(Dataset dataset, CancellationToken cancellationToken)
    {
        for (var partition = 0; partition < dataset.Partitions; partition++)
        {
            if (await store.ReadCheckpointAsync(new(dataset.Name, dataset.Version, partition), cancellationToken) is { Position: > 0 })
                return true;
        }

        return false;
    }

    /// <summary>What must stay the same for stored states to go on.</summary>
    private static string Describe(Dataset dataset) => JsonSerializer.Serialize(new
    {
        version = dataset.Version,
        topic = dataset.Topic,
        partitions = dataset.Partitions,
        sources = dataset.Sources.Select(source => $"{source.Name}.v{source.Version}"),
    });
}

/// <summary>The stored states were folded by other definitions. Start with <c>--rebuild</c> to fold everything again from the log, or take another data directory.</summary>
public sealed class DefinitionsChangedException(IReadOnlyList<string> faults) : Exception(
    $"The definitions have changed since the stored states were folded:{string.Concat(faults.Select(fault => "\n- " + fault))}\n"
    + "Start once with --rebuild to fold everything again from the source topics, or with another data directory.");
