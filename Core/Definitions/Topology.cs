using System.Diagnostics.CodeAnalysis;
using ActorStreams.Log;

namespace ActorStreams.Definitions;

/// <summary>All datasets of an application with what they read: checked, and without a cycle.</summary>
/// <remarks>
/// In a silo each dataset may have several builds (semantics §7). Then <see cref="Datasets"/> are those that readers get; they change with
/// a cutover. Everywhere else there is one build of each.
/// </remarks>
public sealed class Topology
{
    private volatile Builds _builds;

    internal Topology(string application, IReadOnlyList<Dataset> datasets)
    {
        (Application, Definitions) = (application, datasets);
        _builds = new(datasets, datasets);
    }

    /// <summary>The definitions, every source before what reads it; what their builds are made from.</summary>
    internal IReadOnlyList<Dataset> Definitions { get; }

    /// <summary>The builds that this process folds.</summary>
    internal IReadOnlyList<Dataset> Running => _builds.Running;

    /// <summary>The application's name.</summary>
    public string Application { get; }

    /// <summary>The datasets, every source before what reads it.</summary>
    public IReadOnlyList<Dataset> Datasets => _builds.Active;

    /// <summary>The topic of records that could not be folded.</summary>
    public string DeadLetterTopic => TopicNames.DeadLetters(Application);

    /// <summary>The topics that entities are folded from: the roots of all lineage.</summary>
    public IEnumerable<string> SourceTopics =>
        Definitions.Concat(Datasets).Where(dataset => dataset.Kind == DatasetKind.Entity).Select(dataset => dataset.Topic)
            .Distinct(StringComparer.Ordinal);

    /// <summary>
    /// Whether this application alone writes a topic: the dead letters, and the input log of a view, of whatever build. A source topic is
    /// never one, whatever its name.
    /// </summary>
    internal bool IsWrittenByUs(string topic) =>
        topic == DeadLetterTopic || (TopicNames.IsInput(Application, topic) && !SourceTopics.Contains(topic, StringComparer.Ordinal));

    /// <summary>How the producers of a topic choose a key's partition: as its entities say, and murmur2 for all other topics.</summary>
    public KeyPartitioner PartitionerOf(string topic) =>
        Datasets.Concat(Definitions).FirstOrDefault(dataset => dataset.Topic == topic)?.Partitioner ?? KeyPartitioner.Murmur2;

    /// <summary>The dataset of this name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out Dataset? dataset) => _builds.ByName.TryGetValue(name, out dataset);

    /// <summary>Changes which builds readers get and this process folds, in one step.</summary>
    /// <param name="active">One of each dataset, in the order of the definitions.</param>
    /// <param name="running">Those that are folded here.</param>
    internal void Serve(IReadOnlyList<Dataset> active, IReadOnlyList<Dataset> running) => _builds = new(active, running);

    /// <summary>The dataset whose state is of this type.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public Dataset Of<TState>() => Datasets.FirstOrDefault(dataset => dataset.StateType == typeof(TState))
        ?? throw new InvalidOperationException($"The topology has no dataset of {typeof(TState).Name}.");

    private sealed record Builds(IReadOnlyList<Dataset> Active, IReadOnlyList<Dataset> Running)
    {
        internal Dictionary<string, Dataset> ByName { get; } = Active.ToDictionary(dataset => dataset.Name, StringComparer.Ordinal);
    }
}

/// <summary>The names of the topics that an application owns; the number of a build is part of them.</summary>
internal static class TopicNames
{
    internal static string Input(string application, string view, int build) =>
        string.Create(CultureInfo.InvariantCulture, $"{application}.{view}.b{build}.input");

    /// <summary>Whether a topic is the input log of a view of this application, of whatever build.</summary>
    internal static bool IsInput(string application, string topic) =>
        topic.StartsWith(application + ".", StringComparison.Ordinal) && topic.EndsWith(".input", StringComparison.Ordinal);

    /// <summary>The name under which a dataset's progress is reported to the log's own tools: a consumer group, in Kafka.</summary>
    internal static string Reader(string application, Dataset dataset) =>
        string.Create(CultureInfo.InvariantCulture, $"{application}.{dataset.Name}.b{dataset.Build}");

    internal static string DeadLetters(string application) => $"{application}.dead-letters";
}

/// <summary>Definitions that do not fit together. The message names every fault at once.</summary>
public sealed class TopologyException(IReadOnlyList<string> errors)
    : Exception(
        $"The definitions have {errors.Count} fault{(errors.Count == 1 ? "" : "s")}:"
        + $"{string.Concat(errors.Select(error => "\n- " + error))}")
{
    /// <summary>The faults, a sentence each.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
