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

    /// <summary>What part of its input it has, from 0 to 1, at most that of its sources; null where nobody folds it.</summary>
    [Id(13)]
    public double? Progress { get; init; }

    /// <summary>Seconds until it has caught up, as estimated from the rate so far; null where nothing is known.</summary>
    [Id(14)]
    public double? SecondsLeft { get; init; }

    /// <summary>Records of its input log that it has folded.</summary>
    [Id(15)]
    public long Folded { get; init; }

    /// <summary>Stored states of its sources that were sent to it.</summary>
    [Id(16)]
    public long StatesSent { get; init; }

    /// <summary>Stored states of its sources that have to be sent to it, those that were sent included.</summary>
    [Id(17)]
    public long StatesToSend { get; init; }

    /// <summary>Records folded and stored states sent in a second, as it was lately; null where nothing is known.</summary>
    [Id(18)]
    public double? RecordsPerSecond { get; init; }

    /// <summary>The part of a partition's time that sending stored states may take; null when it has been sent all.</summary>
    [Id(19)]
    public double? BackfillShare { get; init; }

    /// <summary>Why readers cannot be moved to it yet; null when they can, or have been.</summary>
    [Id(20)]
    public string? NotReady { get; init; }

    /// <summary>Since when it lacks changes, in milliseconds since 1970 UTC; null when it lacks none.</summary>
    [Id(21)]
    public long? FrozenSince { get; init; }

    /// <summary>Whether readers get it, also where it is frozen.</summary>
    [Id(22)]
    public bool IsActive { get; init; }

    /// <summary>Whether readers are moved to it by command alone.</summary>
    [Id(23)]
    public bool CutoverByCommand { get; init; }
}
