namespace ActorStreams.Grains;

/// <summary>
/// The builds of the cluster's datasets: how far they are, and what may be done with them. One grain, address 0; it also moves readers to
/// new builds by itself once those have caught up. A request that cannot be done throws <see cref="RequestRefusedException"/>.
/// </summary>
[Alias("ActorStreams.IBuildsGrain")]
public interface IBuildsGrain : IGrainWithIntegerKey
{
    /// <summary>All builds, in the order in which they were made.</summary>
    [Alias("Builds")]
    Task<IReadOnlyList<BuildReply>> Builds();

    /// <summary>Makes new builds of a dataset and of what depends on it, beside those that readers get.</summary>
    [Alias("Rebuild")]
    Task<IReadOnlyList<BuildReply>> Rebuild(string dataset);

    /// <summary>Moves readers to the newest builds of a dataset and of all that is connected with it, or of all datasets.</summary>
    [Alias("Cutover")]
    Task<IReadOnlyList<BuildReply>> Cutover(string? dataset);

    /// <summary>Moves readers of a dataset, and of what depends on it, back to the builds that they had before.</summary>
    [Alias("Rollback")]
    Task<IReadOnlyList<BuildReply>> Rollback(string dataset);

    /// <summary>Deletes a build that readers do not get, and those that are fed by it.</summary>
    [Alias("Retire")]
    Task<IReadOnlyList<BuildReply>> Retire(string dataset, int build);

    /// <summary>Looks whether builds have caught up, and moves readers to them.</summary>
    [Alias("Look")]
    Task Look();
}

/// <summary>A build and how far it is.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.BuildReply")]
public sealed record BuildReply
{
    /// <summary>The dataset.</summary>
    [Id(0)]
    public required string Dataset { get; init; }

    /// <summary>The build's number.</summary>
    [Id(1)]
    public required int Build { get; init; }

    /// <summary>
    /// <c>active</c>, <c>previous</c> (readers had it before), <c>ready</c>, <c>building</c>, <c>frozen</c> (it lacks changes) or
    /// <c>retired</c>.
    /// </summary>
    [Id(2)]
    public required string Status { get; init; }

    /// <summary>The definition's version.</summary>
    [Id(3)]
    public required int Version { get; init; }

    /// <summary>Its input log.</summary>
    [Id(4)]
    public required string Topic { get; init; }

    /// <summary>The builds that feed it, as <c>dataset@build</c>.</summary>
    [Id(5)]
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Why it exists.</summary>
    [Id(6)]
    public required string Why { get; init; }

    /// <summary>When it was made, in milliseconds since 1970 UTC.</summary>
    [Id(7)]
    public required long Made { get; init; }

    /// <summary>States that it has.</summary>
    [Id(8)]
    public long States { get; init; }

    /// <summary>Records that it has still to fold of its input log.</summary>
    [Id(9)]
    public long Behind { get; init; }

    /// <summary>Partitions of its sources that have sent it all their states, and how many there are.</summary>
    [Id(10)]
    public int WholeEdges { get; init; }

    /// <inheritdoc cref="WholeEdges"/>
    [Id(11)]
    public int Edges { get; init; }

    /// <summary>Changes that it was sent of stored states.</summary>
    [Id(12)]
    public long Backfilled { get; init; }

    /// <summary>What part of its input it has, from 0 to 1.</summary>
    [Id(13)]
    public double Progress { get; init; }

    /// <summary>Seconds until it has caught up, as estimated from the rate so far; null where nothing is known.</summary>
    [Id(14)]
    public double? SecondsLeft { get; init; }
}
