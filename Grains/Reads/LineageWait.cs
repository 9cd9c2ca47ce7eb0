using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Grains.Reads;

/// <summary>
/// The wait of a read for positions, as one walk over the lineage in topological order (semantics §6). What became of a source record lies
/// before the end of a view's input log once every dataset between has folded and routed it; so each dataset's ends are read once, and all
/// of its partitions are awaited at once.
/// </summary>
/// <param name="log">Says where the input logs end.</param>
/// <param name="routed">Waits until a partition has folded and routed an offset; false when the time ran out.</param>
internal sealed class LineageWait(
    IChangeLog log, Func<Dataset, int, long, Deadline, CancellationToken, Task<bool>> routed)
{
    /// <summary>Partitions that are awaited at once.</summary>
    private const int MaxAtOnce = 256;

    /// <summary>Whether positions of a topic concern a dataset: its own input log, or that of a dataset behind it.</summary>
    internal static bool IsBehind(Dataset dataset, string topic) =>
        dataset.Topic == topic || dataset.Sources.Any(source => IsBehind(source, topic));

    /// <summary>Waits until the positions are folded and routed by every dataset between their topics and this one.</summary>
    /// <returns>For each partition of the dataset the offset of its own input log that a read must have folded; null
    /// when the time ran out.</returns>
    internal async Task<IReadOnlyDictionary<int, long>?> RunAsync(
        Dataset dataset, IReadOnlyList<Position> positions, Deadline deadline, CancellationToken cancellationToken)
    {
        var offsets = new Dictionary<Dataset, Dictionary<int, long>>();
        foreach (var step in Closure(dataset).Where(step => positions.Any(position => IsBehind(step, position.Topic))))
        {
            var own = offsets[step] = await OffsetsAsync(step, positions, offsets, cancellationToken);
            if (step == dataset)
                return own;
            foreach (var some in own.Chunk(MaxAtOnce))
            {
                if (!(await Task.WhenAll(some.Select(wait => routed(step, wait.Key, wait.Value, deadline, cancellationToken))))
                    .All(reached => reached))
                    return null;
            }
        }

        return new Dictionary<int, long>();
    }

    /// <summary>The positions of the step's own input log; and its ends, where changes of a step before may have come in.</summary>
    private async Task<Dictionary<int, long>> OffsetsAsync(
        Dataset step, IReadOnlyList<Position> positions, Dictionary<Dataset, Dictionary<int, long>> before,
        CancellationToken cancellationToken)
    {
        var own = positions.Where(position => position.Topic == step.Topic)
            .GroupBy(position => position.Partition)
            .ToDictionary(partition => partition.Key, partition => partition.Max(position => position.Offset));
        if (!step.Sources.Any(before.ContainsKey))
            return own;
        var ranges = await log.OffsetsAsync(step.Topic, cancellationToken);
        for (var partition = 0; partition < step.Partitions; partition++)
            own[partition] = Math.Max(own.GetValueOrDefault(partition, -1), ranges[partition].End - 1);
        return own;
    }

    /// <summary>A dataset and all that feeds it, every source before what reads it.</summary>
    internal static IEnumerable<Dataset> Closure(Dataset dataset) => dataset.Sources.SelectMany(Closure).Append(dataset).Distinct();
}
