using ActorStreams.Log;

namespace ActorStreams.Definitions;

/// <summary>The options of a dataset; each has a default.</summary>
public abstract class DatasetOptions
{
    private protected DatasetOptions(string name) => Name = name;

    internal string Name { get; private protected set; }

    internal int Version { get; private protected set; } = 1;

    internal int? Partitions { get; private protected set; }

    internal BadRecords BadRecords { get; private protected set; }

    internal int MaxStateBytes { get; private protected set; } = FoldLimits.DefaultMaxStateBytes;
}

/// <summary>The options of entities and views alike.</summary>
public abstract class DatasetOptions<TSelf> : DatasetOptions
    where TSelf : DatasetOptions<TSelf>
{
    private protected DatasetOptions(string name)
        : base(name)
    {
    }

    private TSelf Self => (TSelf)this;

    /// <summary>The dataset's name; by default the type's, as in <c>source-file</c>.</summary>
    public TSelf Named(string name)
    {
        Name = name;
        return Self;
    }

    /// <summary>The version of the definition, from 1. Raise it with every change of the fold.</summary>
    public TSelf WithVersion(int version)
    {
        Version = version;
        return Self;
    }

    /// <summary>The partitions of the input log, if it is yet to be created: an entity's source topic, or the view's own.</summary>
    public TSelf WithPartitions(int partitions)
    {
        Partitions = partitions;
        return Self;
    }

    /// <summary>What happens to a record that cannot be folded; by default it is set aside.</summary>
    public TSelf OnBadRecord(BadRecords badRecords)
    {
        BadRecords = badRecords;
        return Self;
    }

    /// <summary>
    /// Bytes that the stored form of one state may have: 409,600 by default, at most 460,800. A record or change whose fold would make a
    /// larger one is a dead letter, and the state stays as it was.
    /// </summary>
    public TSelf WithMaxStateBytes(int bytes)
    {
        MaxStateBytes = bytes;
        return Self;
    }
}

/// <summary>The options of an entity.</summary>
public sealed class EntityOptions : DatasetOptions<EntityOptions>
{
    internal EntityOptions(string name)
        : base(name)
    {
    }

    internal string? Topic { get; private set; }

    internal KeyPartitioner Partitioner { get; private set; }

    internal bool TakesEmptyAsTombstone { get; private set; }

    internal bool IsLatestByTime { get; private set; }

    /// <summary>The source topic; by default the dataset's name.</summary>
    public EntityOptions FromTopic(string topic)
    {
        Topic = topic;
        return this;
    }

    /// <summary>How the producers of the source topic choose a key's partition; by default murmur2, as Kafka's Java clients do.</summary>
    public EntityOptions PartitionedBy(KeyPartitioner partitioner)
    {
        Partitioner = partitioner;
        return this;
    }

    /// <summary>
    /// Takes a record whose value is empty, or the JSON literal <c>null</c>, for a tombstone: for producers that cannot append a record
    /// without a value.
    /// </summary>
    public EntityOptions EmptyIsTombstone()
    {
        TakesEmptyAsTombstone = true;
        return this;
    }

    /// <summary>
    /// The last writer wins by the record's time, and not by its place in the log: a record or tombstone stamped before the last one
    /// folded into the state is skipped. Of equal times the later record counts. An entity that has ended keeps no time, so any record
    /// begins it anew: where a late record must not, end it by a state that says so.
    /// </summary>
    public EntityOptions LatestByTime()
    {
        IsLatestByTime = true;
        return this;
    }
}

/// <summary>The options of a view.</summary>
public sealed class ViewOptions : DatasetOptions<ViewOptions>
{
    internal ViewOptions(string name)
        : base(name)
    {
    }

    internal int MaxKeysPerState { get; private set; } = FoldLimits.DefaultMaxKeysPerState;

    /// <summary>
    /// View keys that one state of a source may concern: 10,000 by default, at most 100,000. With more, routing fails: the state is
    /// routed to no key, and a dead letter is written.
    /// </summary>
    public ViewOptions WithMaxKeysPerState(int keys)
    {
        MaxKeysPerState = keys;
        return this;
    }
}
