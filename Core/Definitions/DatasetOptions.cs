using ActorStreams.Log;

namespace ActorStreams.Definitions;

/// <summary>What may be said of a dataset when it is registered; everything has a default.</summary>
public abstract class DatasetOptions
{
    private protected DatasetOptions(string name) => Name = name;

    internal string Name { get; private protected set; }

    internal int Version { get; private protected set; } = 1;

    internal int? Partitions { get; private protected set; }

    internal BadRecords BadRecords { get; private protected set; }
}

/// <summary>What may be said of an entity and of a view alike.</summary>
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
}

/// <summary>What may be said of an entity.</summary>
public sealed class EntityOptions : DatasetOptions<EntityOptions>
{
    internal EntityOptions(string name)
        : base(name)
    {
    }

    internal string? Topic { get; private set; }

    internal KeyPartitioner Partitioner { get; private set; }

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
}

/// <summary>What may be said of a view.</summary>
public sealed class ViewOptions : DatasetOptions<ViewOptions>
{
    internal ViewOptions(string name)
        : base(name)
    {
    }
}
