using System.Text.RegularExpressions;

namespace ActorStreams.Definitions;

/// <summary>
/// Connects datasets to their sources and finds every fault: bad or double names, missing sources, cycles, what no topic reaches.
/// </summary>
internal static partial class TopologyChecks
{
    /// <summary>A name becomes part of a topic's name, which Kafka bounds at 249.</summary>
    private const int MaxNameLength = 100;
    private const int MaxPartitions = 1_024;

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]*\z")]
    private static partial Regex NameForm { get; }

    internal static Topology Connect(string application, IReadOnlyList<Dataset> datasets)
    {
        var errors = new List<string>();
        CheckName("The application", application, errors);
        foreach (var dataset in datasets)
            CheckOne(dataset, errors);
        CheckNames(application, datasets, errors);
        ConnectSources(datasets, errors);
        var sorted = Sort(datasets, errors);
        return errors.Count == 0 ? new(application, sorted) : throw new TopologyException(errors);
    }

    private static void CheckName(string what, string name, List<string> errors)
    {
        if (!NameForm.IsMatch(name) || name.Length > MaxNameLength)
            errors.Add(
                $"{what} is named '{name}'. A name begins with a letter or digit, has only letters, digits, '.', '_' and '-', "
                + $"and at most {MaxNameLength} characters.");
    }

    private static void CheckOne(Dataset dataset, List<string> errors)
    {
        CheckName($"The dataset of {dataset.StateType.Name}", dataset.Name, errors);
        if (dataset.Kind == DatasetKind.Entity && dataset.Topic != dataset.Name)
            CheckName($"The topic of {dataset}", dataset.Topic, errors);
        if (dataset.Version < 1)
            errors.Add($"The {dataset} has version {dataset.Version}. Versions are counted from 1.");
        if (dataset.MaxStateBytes is < 1 or > FoldLimits.HighestMaxStateBytes)
        {
            errors.Add(
                $"The {dataset} takes states of {dataset.MaxStateBytes} bytes. "
                + $"WithMaxStateBytes takes 1 to {FoldLimits.HighestMaxStateBytes}: two states must fit into one frame.");
        }

        if (dataset is IRoutes { MaxKeysPerState: < 1 or > FoldLimits.HighestMaxKeysPerState } view)
        {
            errors.Add(
                $"The {dataset} takes {view.MaxKeysPerState} view keys of one state. "
                + $"WithMaxKeysPerState takes 1 to {FoldLimits.HighestMaxKeysPerState}.");
        }

        if (dataset.Partitions is < 1 or > MaxPartitions)
            errors.Add($"The {dataset} has {dataset.Partitions} partitions. It takes 1 to {MaxPartitions}.");
    }

    private static void CheckNames(string application, IReadOnlyList<Dataset> datasets, List<string> errors)
    {
        foreach (var group in datasets.GroupBy(dataset => dataset.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
            errors.Add(
                $"{group.Count()} datasets are named '{group.Key}' (of {string.Join(", ", group.Select(d => d.StateType.Name))}). "
                + "Name them apart with Named(…).");
        foreach (var group in datasets.GroupBy(dataset => dataset.StateType).Where(group => group.Count() > 1))
            errors.Add(
                $"{group.Count()} datasets have states of type {group.Key.Name} ({Names(group)}): a view of {group.Key.Name} could not "
                + "tell which is meant. Give each its own record.");
        foreach (var group in datasets.Where(d => d.Kind == DatasetKind.Entity).GroupBy(d => d.Topic, StringComparer.Ordinal))
        {
            if (group.Select(dataset => dataset.Partitions).Distinct().Count() > 1)
                errors.Add($"The entities of topic '{group.Key}' ({Names(group)}) say different numbers of partitions. A topic has one.");
            if (group.Select(dataset => dataset.Partitioner).Distinct().Count() > 1)
                errors.Add($"The entities of topic '{group.Key}' ({Names(group)}) say different partitioners. "
                    + "Its producers have one: say the same PartitionedBy(…) for each, or Unknown.");
            if (group.Key == TopicNames.DeadLetters(application) || datasets.Any(d => d.Kind == DatasetKind.View && d.Topic == group.Key))
                errors.Add(
                    $"The topic '{group.Key}' of {Names(group)} is one that the application writes itself. Take another source topic.");
        }
    }

    private static void ConnectSources(IReadOnlyList<Dataset> datasets, List<string> errors)
    {
        foreach (var view in datasets.Where(dataset => dataset.Kind == DatasetKind.View))
        {
            if (view.SourceTypes.Count == 0)
                errors.Add(
                    $"The {view} has no source: nothing would ever reach it. Implement IView<{view.StateType.Name}, …>, or remove it.");
            foreach (var group in view.SourceTypes.GroupBy(type => type).Where(group => group.Count() > 1))
                errors.Add($"The {view} names the source {group.Key.Name} {group.Count()} times. Name it once.");
            var missing = view.SourceTypes.Where(type => datasets.All(dataset => dataset.StateType != type)).ToList();
            foreach (var type in missing)
                errors.Add(
                    $"The {view} is folded from {type.Name}, but no dataset has states of that type. Add it with AddEntity<{type.Name}>() "
                    + $"or AddView<{type.Name}>().");
            view.Connect([.. view.SourceTypes.Except(missing).Select(type => datasets.First(dataset => dataset.StateType == type))]);
        }
    }

    /// <summary>Sources first (Kahn). What is left over lies on a cycle, or is reached only through one.</summary>
    private static List<Dataset> Sort(IReadOnlyList<Dataset> datasets, List<string> errors)
    {
        var sorted = datasets.Where(dataset => dataset.Kind == DatasetKind.Entity || dataset.SourceTypes.Count == 0).ToList();
        var left = datasets.Except(sorted).ToList();
        while (left.FindAll(view => view.Sources.All(sorted.Contains)) is { Count: > 0 } ready)
        {
            sorted.AddRange(ready);
            left.RemoveAll(ready.Contains);
        }

        foreach (var view in left)
        {
            errors.Add(CycleThrough(view) is { } cycle
                ? $"The views {string.Join(" → ", cycle.Select(d => $"'{d.Name}'"))} feed each other in a circle. "
                    + "A view may not depend on itself."
                : $"The {view} cannot be reached from any topic: it depends on a circle of views.");
        }

        return sorted;
    }

    private static List<Dataset>? CycleThrough(Dataset start)
    {
        var paths = new Queue<List<Dataset>>([[start]]);
        var seen = new HashSet<Dataset>();
        while (paths.TryDequeue(out var path))
        {
            foreach (var next in path[^1].Dependents)
            {
                if (next == start)
                    return [.. path, start];
                if (seen.Add(next))
                    paths.Enqueue([.. path, next]);
            }
        }

        return null;
    }

    private static string Names(IEnumerable<Dataset> datasets) => string.Join(", ", datasets.Select(dataset => $"'{dataset.Name}'"));
}
