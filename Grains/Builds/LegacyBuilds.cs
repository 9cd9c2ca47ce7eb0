using System.Text.Json;
using ActorStreams.Builds;
using ActorStreams.Definitions;

namespace ActorStreams.Grains.Builds;

/// <summary>
/// The builds of states that were folded by a version of this program without builds: each dataset's version becomes the number of its
/// first build, its input log keeps its name, and folding goes on.
/// </summary>
internal static class LegacyBuilds
{
    /// <summary>The catalog of what such a version recorded.</summary>
    /// <param name="stored">For each dataset its description.</param>
    /// <param name="definitions">The present definitions: where one is as it was described, its states are its own.</param>
    /// <param name="now">When they were found.</param>
    internal static BuildCatalog Adopt(
        IReadOnlyDictionary<string, string> stored, IReadOnlyList<Dataset> definitions, DateTimeOffset now)
    {
        var descriptions = stored.ToDictionary(
            one => one.Key, one => JsonSerializer.Deserialize<Description>(one.Value, JsonSerializerOptions.Web)!);
        var catalog = new BuildCatalog();
        foreach (var name in SourcesFirst(descriptions))
        {
            var description = descriptions[name];
            var definition = definitions.FirstOrDefault(one => one.Name == name);
            var sources = description.Sources.Select(IdOf).ToList();
            var isSame = definition is not null && definition.Version == description.Version
                && definition.Sources.Select(source => source.Name).SequenceEqual(sources.Select(source => source.Dataset))
                && (definition.Kind == DatasetKind.View || definition.Topic == description.Topic)
                && (definition.Kind == DatasetKind.Entity || definition.Partitions == description.Partitions);
            var build = new Build
            {
                Dataset = name, Number = description.Version, Kind = sources.Count == 0 ? DatasetKind.Entity : DatasetKind.View,
                Version = description.Version, Topic = description.Topic, Partitions = description.Partitions, Sources = sources,
                Partitioner = definition?.Partitioner ?? default, Made = now, IsBeforeEdges = true,
                Definition = isSame ? DefinitionHash.Of(definition!, sources, 0) : "before builds",
                Shape = isSame ? DefinitionHash.ShapeOf(definition!.StateType, definition.Json) : "",
                Why = "It was folded before there were builds.",
            };
            catalog = catalog with
            {
                Builds = [.. catalog.Builds, build],
                Active = BuildCatalog.With(catalog.Active, name, build.Number),
                Numbers = BuildCatalog.With(catalog.Numbers, name, build.Number),
            };
        }

        return catalog;
    }

    private static List<string> SourcesFirst(Dictionary<string, Description> descriptions)
    {
        var sorted = new List<string>();
        void Add(string name)
        {
            if (sorted.Contains(name) || !descriptions.TryGetValue(name, out var description))
                return;
            foreach (var source in description.Sources)
                Add(IdOf(source).Dataset);
            sorted.Add(name);
        }

        foreach (var name in descriptions.Keys.Order(StringComparer.Ordinal))
            Add(name);
        return sorted;
    }

    /// <summary>A source was written <c>name.vVersion</c>.</summary>
    private static BuildId IdOf(string source)
    {
        var at = source.LastIndexOf(".v", StringComparison.Ordinal);
        return new(source[..at], int.Parse(source.AsSpan(at + 2), CultureInfo.InvariantCulture));
    }

    private sealed record Description(int Version, string Topic, int Partitions, IReadOnlyList<string> Sources);
}
