using System.Text;
using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Testing;

/// <summary>
/// Records that were appended, and what their folding is expected to give. Records are stamped a second apart, from
/// 2024-01-01T00:00:00Z on, unless
/// <see cref="At"/> says otherwise. Expectations may stand between records: each speaks of the records before it.
/// </summary>
public sealed class GivenLog
{
    private readonly Topology _topology;
    private readonly InMemoryChangeLog _log = new();
    private DateTimeOffset _time = new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private BatchResult? _result;

    internal GivenLog(Topology topology)
    {
        _topology = topology;
        foreach (var topic in topology.SourceTopics)
            Done(_log.CreateTopicAsync(topic, topology.Datasets.First(dataset => dataset.Topic == topic).Partitions));
    }

    /// <summary>The time of the next record; the ones after it follow a second apart.</summary>
    public GivenLog At(DateTimeOffset time)
    {
        _time = time;
        return this;
    }

    /// <summary>Appends records to the topic of an entity.</summary>
    public GivenLog Records<TEntity, TEvent>(params (string Key, TEvent Event)[] records)
        where TEntity : class, IEntity<TEntity, TEvent>
        where TEvent : notnull
    {
        var dataset = _topology.Of<TEntity>();
        foreach (var (key, value) in records)
            Append(dataset, key, JsonSerializer.SerializeToUtf8Bytes(value, dataset.Json));
        return this;
    }

    /// <summary>Appends tombstones: these entities end.</summary>
    public GivenLog Tombstones<TEntity>(params string[] keys)
        where TEntity : class, IEntity<TEntity>
    {
        foreach (var key in keys)
            Append(_topology.Of<TEntity>(), key, default);
        return this;
    }

    /// <summary>Appends a value as it stands, say one that cannot be decoded.</summary>
    public GivenLog Raw<TEntity>(string key, string value)
        where TEntity : class, IEntity<TEntity>
    {
        Append(_topology.Of<TEntity>(), key, Encoding.UTF8.GetBytes(value));
        return this;
    }

    /// <summary>Expects this state of an entity or a view; it is compared as it would be stored.</summary>
    /// <exception cref="TestKitException">It is another, or there is none.</exception>
    public GivenLog Then<TState>(string key, TState expected)
        where TState : class => Compare<TState>(key, JsonSerializer.Serialize(expected, _topology.Of<TState>().Json));

    /// <summary>Expects that there is no state.</summary>
    /// <exception cref="TestKitException">There is one.</exception>
    public GivenLog ThenNothing<TState>(string key)
        where TState : class => Compare<TState>(key, null);

    /// <summary>Expects that so many records or changes could not be folded.</summary>
    /// <exception cref="TestKitException">It was another number; the message has their reasons.</exception>
    public GivenLog ThenDeadLetters(int count)
    {
        var letters = Result.DeadLetters;
        return letters.Count == count ? this : throw new TestKitException(
            $"Expected {count} dead letters, but there are {letters.Count}.{Listed(letters)}");
    }

    // The log is in memory and a batch waits for nothing outside this process, so blocking ends, and tests read as sentences.
    private BatchResult Result => _result ??= new BatchRunner(_topology, _log).RunAsync().GetAwaiter().GetResult();

    private GivenLog Compare<TState>(string key, string? expected)
    {
        var dataset = _topology.Of<TState>();
        var actual = Result.Json(dataset.Name).TryGetValue(key, out var json) ? Encoding.UTF8.GetString(json) : null;
        return actual == expected ? this : throw new TestKitException(
            $"The state of '{key}' in {dataset}:\nexpected {expected ?? "nothing"}\nactual   "
            + $"{actual ?? "nothing"}{Listed(Result.DeadLetters)}");
    }

    private static string Listed(IReadOnlyList<string> letters) =>
        letters.Count == 0 ? "" : $"\nDead letters:{string.Concat(letters.Select(letter => $"\n- {letter}"))}";

    private void Append(Dataset dataset, string key, ReadOnlyMemory<byte>? value)
    {
        Done(_log.AppendAsync(
            dataset.Topic,
            [
                new() { Partition = dataset.PartitionOf(key), Timestamp =
                    _time.ToUnixTimeMilliseconds(), Key = Encoding.UTF8.GetBytes(key), Value = value },
            ]).AsTask());
        _time += TimeSpan.FromSeconds(1);
        _result = null;
    }

    private static void Done(ValueTask task) => task.AsTask().GetAwaiter().GetResult();

    private static void Done(Task task) => task.GetAwaiter().GetResult();
}
