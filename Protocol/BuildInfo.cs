using System.Text.Json.Serialization;

namespace ActorStreams.Protocol;

/// <summary>What a build is to readers.</summary>
[JsonConverter(typeof(WordConverter<BuildStatus>))]
public enum BuildStatus
{
    /// <summary>A status that this version does not know.</summary>
    Unknown,

    /// <summary>Readers get it.</summary>
    Active,

    /// <summary>Readers had it before, and can be moved back to it.</summary>
    Previous,

    /// <summary>It has caught up, and readers can be moved to it.</summary>
    Ready,

    /// <summary>It has not caught up yet.</summary>
    Building,

    /// <summary>It is not folded: no silo knows its definition, or it lacks changes since none did.</summary>
    Frozen,

    /// <summary>It is being deleted.</summary>
    Retired,
}

/// <summary>A build of a dataset, and how far it is.</summary>
public sealed record BuildInfo
{
    /// <summary>The dataset's name.</summary>
    public required string Dataset { get; init; }

    /// <summary>The build's number.</summary>
    public required int Build { get; init; }

    /// <summary>What it is to readers. A frozen build may be the one that they get: see <see cref="IsActive"/>.</summary>
    public required BuildStatus Status { get; init; }

    /// <summary>Whether readers get it.</summary>
    public bool IsActive { get; init; }

    /// <summary>The definition's version.</summary>
    public int Version { get; init; }

    /// <summary>The topic it is folded from; for a view its input log.</summary>
    public required string Topic { get; init; }

    /// <summary>The builds that feed it, as <c>dataset@build</c>; empty for an entity.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Why it exists.</summary>
    public required string Why { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Made { get; init; }

    /// <summary>How many keys have a state.</summary>
    public long States { get; init; }

    /// <summary>What part of its input it has, from 0 to 1, at most that of its sources; null where nobody folds it.</summary>
    public double? Progress { get; init; }

    /// <summary>Records of its input log that it has folded.</summary>
    public long Folded { get; init; }

    /// <summary>Records of its input log still to fold.</summary>
    public long BehindRecords { get; init; }

    /// <summary>How the stored states of its sources are sent to it; null when it has been sent all.</summary>
    public BackfillInfo? Backfill { get; init; }

    /// <summary>Records folded and stored states sent in a second, lately; null unless it is being built.</summary>
    public double? RecordsPerSecond { get; init; }

    /// <summary>Seconds until it has caught up, by the rate so far; null where nothing is known.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>Why readers cannot be moved to it yet; null when they can, or have been.</summary>
    public string? NotReady { get; init; }

    /// <summary>Whether readers are moved to it by command alone.</summary>
    public bool CutoverByCommand { get; init; }

    /// <summary>Since when it lacks changes; null when it lacks none.</summary>
    public DateTimeOffset? FrozenSince { get; init; }
}

/// <summary>How the stored states of its sources are sent to a build.</summary>
/// <param name="StatesSent">Those that were sent.</param>
/// <param name="StatesToSend">All that there are.</param>
/// <param name="Changes">Changes that came of them.</param>
/// <param name="Share">The part of a partition's time that it may take.</param>
public sealed record BackfillInfo(long StatesSent, long StatesToSend, long Changes, double Share);
