using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Benchmarks.Inputs;

/// <summary>Records to be folded, with everything that folds them: the plain loop, an entity alone, and an entity with one view.</summary>
internal abstract class Input
{
    public const int BatchRecords = 1_000;

    public abstract string Name { get; }

    /// <summary>All records, in one partition and by growing offset from 0.</summary>
    public required ChangeRecord[] Records { get; init; }

    /// <summary>The entity, and with it the re-keyed view when it is asked for.</summary>
    public abstract void AddTo(TopologyBuilder topology, bool withView);

    /// <summary>The baseline: decodes and folds all records into a dictionary, with nothing else around.</summary>
    /// <returns>How many states there are at the end.</returns>
    public abstract int PlainLoop();

    /// <summary>A topology of one partition a dataset.</summary>
    public Topology Topology(bool withView, int partitions = 1)
    {
        var topology = new TopologyBuilder { DefaultPartitions = partitions };
        AddTo(topology, withView);
        return topology.Build();
    }

    /// <summary>The records as a log would give them.</summary>
    public List<RecordBatch> Batches(string topic)
    {
        var batches = new List<RecordBatch>();
        for (var first = 0; first < Records.Length; first += BatchRecords)
        {
            var last = Math.Min(first + BatchRecords, Records.Length);
            batches.Add(new() { Partition = new(topic, 0), Records = Records[first..last], NextOffset = last, EndOffset = Records.Length });
        }

        return batches;
    }
}
