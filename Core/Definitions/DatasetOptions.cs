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

/// <summary>What may be said of an entity.</summary>
public sealed class EntityOptions : DatasetOptions
{
    internal EntityOptions(string name)
        : base(name)
    {
    }

    internal string? Topic { get; private set; }

    /// <summary>The source topic; by default the dataset's name.</summary>
    public EntityOptions FromTopic(string topic)
    {
        Topic = topic;
        return this;
    }

    /// <summary>The dataset's name; by default the type's, as in <c>source-file</c>.</summary>
    public EntityOptions Named(string name)
    {
        Name = name;
        return this;
    }

    /// <summary>The version of the definition, from 1. Raise it with every change of the fold.</summary>
    public EntityOptions WithVersion(int version)
    {
        Version = version;
        return this;
    }

    /// <summary>The partitions of the source topic, if it is yet to be created.</summary>
    public EntityOptions WithPartitions(int partitions)
    {
        Partitions = partitions;
        return this;
    }

    /// <summary>What happens to a record that cannot be folded; by default it is set aside.</summary>
    public EntityOptions OnBadRecord(BadRecords badRecords)
    {
        BadRecords = badRecords;
        return this;
    }
}

/// <summary>What may be said of a view.</summary>
public sealed class ViewOptions : DatasetOptions
{
    internal ViewOptions(string name)
        : base(name)
    {
    }

    /// <inheritdoc cref="EntityOptions.Named"/>
    public ViewOptions Named(string name)
    {
        Name = name;
        return this;
    }

    /// <inheritdoc cref="EntityOptions.WithVersion"/>
    public ViewOptions WithVersion(int version)
    {
        Version = version;
        return this;
    }

    /// <summary>The partitions of the view's input log, if it is yet to be created.</summary>
    public ViewOptions WithPartitions(int partitions)
    {
        Partitions = partitions;
        return this;
    }

    /// <inheritdoc cref="EntityOptions.OnBadRecord"/>
    public ViewOptions OnBadRecord(BadRecords badRecords)
    {
        BadRecords = badRecords;
        return this;
    }
}
