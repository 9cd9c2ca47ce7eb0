using System.Diagnostics.CodeAnalysis;
using ActorStreams.Log;

namespace ActorStreams.Definitions;

/// <summary>All datasets of an application with what they read: checked, and without a cycle.</summary>
public sealed class Topology
{
    private readonly Dictionary<string, Dataset> _byName;

    internal Topology(string application, IReadOnlyList<Dataset> datasets)
    {
        Application = application;
        Datasets = datasets;
        _byName = datasets.ToDictionary(dataset => dataset.Name, StringComparer.Ordinal);
    }

    /// <summary>The application's name.</summary>
    public string Application { get; }

    /// <summary>The datasets, every source before what reads it.</summary>
    public IReadOnlyList<Dataset> Datasets { get; }

    /// <summary>The topic of records that could not be folded.</summary>
    public string DeadLetterTopic => TopicNames.DeadLetters(Application);

    /// <summary>The topics that entities are folded from: the roots of all lineage.</summary>
    public IEnumerable<string> SourceTopics =>
        Datasets.Where(dataset => dataset.Kind == DatasetKind.Entity).Select(dataset => dataset.Topic).Distinct(StringComparer.Ordinal);

    /// <summary>
    /// Whether this application alone writes a topic: the dead letters, and the input log of a view, of whatever build. A source topic is
    /// never one, whatever its name.
    /// </summary>
    internal bool IsWrittenByUs(string topic) =>
        topic == DeadLetterTopic || (TopicNames.IsInput(Application, topic) && !SourceTopics.Contains(topic, StringComparer.Ordinal));

    /// <summary>How the producers of a topic choose a key's partition: as its entities say, and murmur2 for all other topics.</summary>
    public KeyPartitioner PartitionerOf(string topic) =>
        Datasets.FirstOrDefault(dataset => dataset.Topic == topic)?.Partitioner ?? KeyPartitioner.Murmur2;

    /// <summary>The dataset of this name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out Dataset? dataset) => _byName.TryGetValue(name, out dataset);

    /// <summary>The dataset whose state is of this type.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public Dataset Of<TState>() => Datasets.FirstOrDefault(dataset => dataset.StateType == typeof(TState))
        ?? throw new InvalidOperationException($"The topology has no dataset of {typeof(TState).Name}.");
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
