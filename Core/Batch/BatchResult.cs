using System.Text.Json;
using ActorStreams.DeadLetters;
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

    /// <param name="topology">The definitions.</param>
    /// <param name="cut">The end of the batch.</param>
    /// <param name="folds">The partitions.</param>
    /// <param name="partitions">How many partitions each source topic has: more, perhaps, than were folded.</param>
    /// <param name="deadLetters">What could not be folded.</param>
    internal BatchResult(
        Topology topology, Cut cut, IReadOnlyDictionary<(Dataset Dataset, int Partition), PartitionFold> folds,
        IReadOnlyDictionary<string, int> partitions, IReadOnlyList<DeadLetter> deadLetters)
    {
        (_topology, Cut, DeadLetters) =
            (topology, cut, [.. deadLetters.Select(letter => $"{letter.Dataset} at {letter.Position}: {letter.Reason}")]);
        foreach (var dataset in topology.Datasets)
            _states[dataset.Name] = new(KeyOrder.Instance);
        foreach (var group in folds.GroupBy(fold => fold.Key.Dataset))
            Collect(group.Key, group.Select(fold => fold.Value), partitions);
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
            _states[dataset.Name].ToDictionary(row => row.Key, row => JsonSerializer.Deserialize<TState>(row.Value, dataset.Json)!),
            KeyOrder.Instance);
    }

    private void Collect(Dataset dataset, IEnumerable<PartitionFold> folds, IReadOnlyDictionary<string, int> partitions)
    {
        var states = _states[dataset.Name];
        var places = new Dictionary<string, (bool, long, int)>(StringComparer.Ordinal);
        int? count = partitions.TryGetValue(dataset.Topic, out var real) ? real : null;
        foreach (var (fold, row) in folds.SelectMany(fold => fold.All().Select(row => (fold, row))))
        {
            // A view's keys lie where this system puts them; only an entity's can stand in two partitions.
            if (dataset.Kind == DatasetKind.Entity)
            {
                var place = dataset.PlaceOf(row.Key, fold.Partition, row.Timestamp, count);
                if (places.TryGetValue(row.Key, out var other) && other.CompareTo(place) > 0)
                    continue;
                places[row.Key] = place;
            }

            states[row.Key] = row.State!;
        }
    }
}

/// <summary>
/// A batch met a record that cannot be folded, in a dataset that stops there. Mend the record or the definition, or set bad records aside.
/// </summary>
public sealed class BatchStoppedException(Position position, string reason) : Exception($"The batch stopped at {position}: {reason}")
{
    /// <summary>The record.</summary>
    public Position Position { get; } = position;
}
