using System.Text.Json.Nodes;
using ActorStreams.Definitions;

namespace ActorStreams.Builds;

/// <summary>
/// Finds for each definition the build that folds it, and makes those that are missing: a dataset that is new, changed, put back after it
/// lacked changes, or whose source has another build is one case (semantics §7). A pure function of catalog and definitions, so every silo
/// with the same definitions comes to the same builds.
/// </summary>
internal static class BuildPlan
{
    /// <summary>The catalog with a build for each definition. The first build of a dataset is the one that readers get.</summary>
    internal static BuildCatalog Plan(this BuildCatalog catalog, IReadOnlyList<Dataset> definitions, string application, DateTimeOffset now)
    {
        var targets = new Dictionary<string, BuildId>(StringComparer.Ordinal);
        foreach (var dataset in definitions) // sources come before what reads them
        {
            var sources = dataset.Sources.Select(source => targets[source.Name]).ToList();
            var hash = DefinitionHash.Of(dataset, sources, catalog.Rounds.GetValueOrDefault(dataset.Name));
            var target = catalog.Builds.LastOrDefault(
                build => build.Dataset == dataset.Name && build.Definition == hash && build.IsWhole);
            if (target is null)
                catalog = catalog.Add(target = catalog.Make(dataset, sources, hash, application, now));
            targets[dataset.Name] = target.Id;
        }

        return catalog;
    }

    /// <summary>Whether a definition is the one of a build, whatever the others are.</summary>
    internal static bool IsOf(this Build build, Dataset dataset) => build.Dataset == dataset.Name && build.Kind == dataset.Kind
        && build.Sources.Select(source => source.Dataset).SequenceEqual(dataset.Sources.Select(source => source.Name))
        && build.Definition == DefinitionHash.Of(dataset, build.Sources, build.Round);

    private static BuildCatalog Add(this BuildCatalog catalog, Build build) => catalog with
    {
        Builds = [.. catalog.Builds, build],
        Numbers = BuildCatalog.With(catalog.Numbers, build.Dataset, build.Number),
        Active = catalog.Active.ContainsKey(build.Dataset)
            ? catalog.Active : BuildCatalog.With(catalog.Active, build.Dataset, build.Number),
        Held = [.. catalog.Held.Where(dataset => dataset != build.Dataset)],
    };

    private static Build Make(
        this BuildCatalog catalog, Dataset dataset, IReadOnlyList<BuildId> sources, string hash, string application, DateTimeOffset now)
    {
        var number = catalog.Numbers.GetValueOrDefault(dataset.Name) + 1;
        var round = catalog.Rounds.GetValueOrDefault(dataset.Name);
        var made = new Build
        {
            Dataset = dataset.Name, Number = number, Kind = dataset.Kind, Version = dataset.Version,
            Definition = hash, Shape = DefinitionHash.ShapeOf(dataset.StateType, dataset.Json),
            Topic = dataset.Kind == DatasetKind.View ? TopicNames.Input(application, dataset.Name, number) : dataset.Topic,
            Partitions = dataset.Partitions, Partitioner = dataset.Partitioner, Sources = sources, Round = round, Why = "", Made = now,
        };
        return made with { Why = catalog.NewestOf(dataset.Name) is { } before ? Why(before, made) : "The dataset is new." };
    }

    /// <summary>What has changed, in words.</summary>
    private static string Why(Build before, Build now)
    {
        var words = new List<string>();
        if (now.Version != before.Version)
            words.Add(string.Create(CultureInfo.InvariantCulture, $"version {before.Version} → {now.Version}"));
        if (now.Shape != before.Shape)
            words.Add($"the shape of its states: {ShapeChange(before.Shape, now.Shape)}");
        if (now.Kind == DatasetKind.Entity && now.Topic != before.Topic)
            words.Add($"source topic '{before.Topic}' → '{now.Topic}'");
        words.AddRange(now.Sources.Except(before.Sources).Select(source => $"source {source}"));
        words.AddRange(before.Sources.Where(source => now.Sources.All(one => one.Dataset != source.Dataset))
            .Select(source => $"no source '{source.Dataset}' any more"));
        if (now.Round != before.Round)
            words.Add("a rebuild was asked for");
        if (words.Count == 0 && before.Detached is { } since)
            words.Add($"build {before.Number} lacks the changes since {since:u}, when no silo knew it");
        return words.Count == 0
            ? "Its options, its event's shape or its partitions have changed."
            : $"Changed: {string.Join("; ", words)}.";
    }

    private static string ShapeChange(string before, string now)
    {
        var (old, fresh) = (Members(before), Members(now));
        var words = fresh.Except(old).Select(member => $"+ {member}").Concat(old.Except(fresh).Select(member => $"- {member}")).ToList();
        return words.Count == 0 ? "within a member" : string.Join(", ", words);
    }

    private static List<string> Members(string schema) => schema.Length > 0 && JsonNode.Parse(schema) is JsonObject root
        && root["properties"] is JsonObject members
            ? [.. members.Select(member => $"{member.Key} {member.Value?["type"]?.ToJsonString()}")] : [];
}
