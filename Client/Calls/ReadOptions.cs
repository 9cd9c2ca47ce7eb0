using ActorStreams.Log;

namespace ActorStreams.Client.Calls;

/// <summary>A read request.</summary>
public sealed record ReadOptions
{
    /// <summary>
    /// Wait until the state includes this record of a source topic. Give it a position that an append answered to read your own
    /// write, through any number of views.
    /// </summary>
    public Position? AtLeast { get; init; }

    /// <summary>More records to wait for, as those that an append of several keys put into several partitions.</summary>
    public IReadOnlyList<Position> AlsoAtLeast { get; init; } = [];

    /// <summary>All records to wait for.</summary>
    internal IReadOnlyList<Position> Positions => AtLeast is { } first ? [first, .. AlsoAtLeast] : AlsoAtLeast;

    /// <summary>How long to wait for <see cref="AtLeast"/>, in seconds; null leaves it to the silo.</summary>
    public double? TimeoutSeconds { get; init; }
}
