using ActorStreams.Definitions;

namespace ActorStreams.Builds;

/// <summary>
/// Makes datasets of the builds that this process knows the definitions of, connects each to the builds of its sources, and tells the
/// topology which of them are folded here and which readers get. A build keeps its dataset as long as it is bound.
/// </summary>
internal sealed class BuildBinding(Topology topology)
{
    private readonly Dictionary<BuildId, Dataset> _bound = [];

    /// <summary>Follows the catalog.</summary>
    /// <returns>The datasets whose views have changed: what folds them has to begin again from its checkpoint.</returns>
    internal IReadOnlyList<Dataset> Bind(BuildCatalog catalog)
    {
        var changed = new HashSet<Dataset>();
        foreach (var (id, dataset) in _bound.ToList())
        {
            if (catalog.Find(id) is { IsWhole: true } build)
            {
                dataset.Partitions = build.Partitions;
                continue;
            }

            dataset.Disconnect();
            changed.UnionWith(dataset.Sources);
            _bound.Remove(id);
        }

        foreach (var build in catalog.Builds.Where(build => build.IsWhole && !_bound.ContainsKey(build.Id)))
        {
            // Builds come sources first. One whose source is not known here is not known either.
            if (!build.Sources.All(_bound.ContainsKey) || topology.Definitions.FirstOrDefault(build.IsOf) is not { } definition)
                continue;
            var dataset = _bound[build.Id] = DatasetOf(build, definition);
            dataset.Connect([.. build.Sources.Select(source => _bound[source])]);
            changed.UnionWith(dataset.Sources);
        }

        changed.IntersectWith(_bound.Values);
        topology.Serve(
            [.. topology.Definitions.Select(definition => ActiveOf(catalog, definition))],
            [.. catalog.Builds.Where(build => _bound.ContainsKey(build.Id)).Select(build => _bound[build.Id])]);
        return [.. changed];
    }

    private Dataset ActiveOf(BuildCatalog catalog, Dataset definition)
    {
        if (catalog.ActiveOf(definition.Name) is not { } build)
            return definition;
        if (_bound.TryGetValue(build.Id, out var dataset))
            return dataset;
        if (topology.TryGet(build.Dataset, out var before) && before is { IsForeign: true } && before.Id == build.Id)
            return before;
        var foreign = DatasetOf(build, definition);
        foreign.IsForeign = true;
        return foreign;
    }

    private static Dataset DatasetOf(Build build, Dataset definition)
    {
        var dataset = definition.ForBuild(build.Number);
        (dataset.Topic, dataset.Partitions, dataset.Partitioner) = (build.Topic, build.Partitions, build.Partitioner);
        dataset.IsBeforeEdges = build.IsBeforeEdges;
        return dataset;
    }
}
