using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Batch;

/// <summary>The states of every dataset at the end of a batch.</summary>
public sealed class BatchResult
{
    private readonly Topology _topology;
    private readonly Dictionary<string, SortedDictionary<string, byte[]>> _states = [];

    internal BatchResult(
        Topology topology, Cut cut, IReadOnlyDictionary<(Dataset Dataset, int Partition), PartitionFold> folds, IReadOnlyList<DeadLetter> deadLetters)
    {
        (_topology, Cut, DeadLetters) = (topology, cut, [.. deadLetters.Select(letter => $"{letter.Dataset} at {letter.Position}: {letter.Reason}")]);
        foreach (var dataset in topology.Datasets)
            _states[dataset.Name] = new(KeyOrder.Instance);
        foreach (var ((dataset, _), fold) in folds)
        {
            foreach (var row in fold.All())
                _states[dataset.Name][row.Key] = row.State!;
        }
    }

    /// <summary>The cut at which the states are true.</summary>
    public Cut Cut { get; }

    /// <summary>What could not be folded, a sentence each with its dataset and position.</summary>
    public IReadOnlyList<string> DeadLetters { get; }

    /// <summary>The states of a dataset as JSON, in key order.</summary>
    /// <exception cref="KeyNotFoundException">The topology has no such dataset.</exception>
    public IReadOnlyDictionary<string, byte[]> Json(string dataset) => _states[dataset];

    /// <summary>The states of a dataset by key, in key order.</summary>
    /// <exception cref="InvalidOperationException">The topology has no dataset of this state.</exception>
    public IReadOnlyDictionary<string, TState> States<TState>()
    {
        var dataset = _topology.Of<TState>();
        return new SortedDictionary<string, TState>(
            _states[dataset.Name].ToDictionary(row => row.Key, row => JsonSerializer.Deserialize<TState>(row.Value, dataset.Json)!), KeyOrder.Instance);
    }
}

/// <summary>A batch met a record that cannot be folded, in a dataset that stops there. Mend the record or the definition, or set bad records aside.</summary>
public sealed class BatchStoppedException(Position position, string reason) : Exception($"The batch stopped at {position}: {reason}")
{
    /// <summary>The record.</summary>
    public Position Position { get; } = position;
}
