using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Client;

/// <summary>A silo of the cluster.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Address">Where other silos reach it.</param>
/// <param name="Status">active, joining, shuttingdown or stopping.</param>
/// <param name="Partitions">Partitions it has.</param>
/// <param name="States">States of those.</param>
/// <param name="BehindRecords">Records they have still to fold.</param>
/// <param name="IsThis">Whether it is the one that answered.</param>
public sealed record SiloInfo(string Name, string Address, string Status, int Partitions, long States, long BehindRecords, bool IsThis);

/// <summary>How a partition is doing.</summary>
public sealed record PartitionInfo
{
    /// <summary>Its dataset.</summary>
    public string Dataset { get; init; } = "";

    /// <summary>Its number.</summary>
    public required int Partition { get; init; }

    /// <summary>The silo that owns it; null when it could not be asked.</summary>
    public string? Silo { get; init; }

    /// <summary>running, starting, waiting, stopped, closed or unreachable.</summary>
    public required string Status { get; init; }

    /// <summary>Why it does not fold.</summary>
    public string? Reason { get; init; }

    /// <summary>Where folding goes on.</summary>
    public long NextOffset { get; init; }

    /// <summary>The end of its input log.</summary>
    public long EndOffset { get; init; }

    /// <summary>States it has.</summary>
    public long States { get; init; }

    /// <summary>Those in memory.</summary>
    public int StatesInMemory { get; init; }

    /// <summary>How far it is behind.</summary>
    public Behind? Behind { get; init; }

    /// <summary>Records set aside that were not folded since.</summary>
    public long OpenDeadLetters { get; init; }

    /// <summary>Seconds since its last checkpoint, while it has something to write.</summary>
    public double CheckpointAgeSeconds { get; init; }
}

/// <summary>Whether a silo is ready.</summary>
/// <param name="Status">ready or not ready.</param>
/// <param name="Reason">Why it is not.</param>
/// <param name="Troubles">Partitions that do not fold, and why.</param>
public sealed record HealthInfo(string Status, string? Reason, IReadOnlyList<string> Troubles)
{
    /// <summary>Whether it is ready.</summary>
    [JsonIgnore]
    public bool IsReady => Status == "ready";
}

/// <summary>What has become of a dead letter.</summary>
public enum DeadLetterState
{
    /// <summary>It was not folded since.</summary>
    Open,

    /// <summary>It was folded since, by a redrive or a rebuild.</summary>
    Folded,

    /// <summary>It is not known; only a rebuild is certain to fold it.</summary>
    Unknown,
}

/// <summary>Something that could not be folded.</summary>
public sealed record DeadLetterInfo
{
    /// <summary><c>dataset@topic/partition:offset#ordinal</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The dataset that could not fold it.</summary>
    public required string Dataset { get; init; }

    /// <summary>Where the original is.</summary>
    public required Position Position { get; init; }

    /// <summary>The original's key; null when it has none, or none that is text.</summary>
    public string? Key { get; init; }

    /// <summary>What is wrong, in a sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The original's time; null when it had none that can be.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>What has become of it.</summary>
    public required DeadLetterState State { get; init; }

    /// <summary>Whether a redrive may fold it.</summary>
    public bool CanRedrive { get; init; }

    /// <summary>Why not.</summary>
    public string? Refusal { get; init; }

    /// <summary>For one that was redriven and failed again: the id under which it was first set aside.</summary>
    public string? First { get; init; }

    /// <summary>The size of the original's value.</summary>
    public long? ValueBytes { get; init; }

    /// <summary>The exception with its stack; only of a single one.</summary>
    public string? Error { get; init; }

    /// <summary>The value as text; only of a single one.</summary>
    public string? Value { get; init; }

    /// <summary>The value where it is not text; only of a single one.</summary>
    public string? ValueBase64 { get; init; }

    /// <summary>False where only the beginning of the value is there; only of a single one.</summary>
    public bool? Complete { get; init; }
}

/// <summary>What a redrive did, or would do.</summary>
/// <param name="DryRun">Whether nothing was done.</param>
/// <param name="Appended">What was appended again, or would be.</param>
/// <param name="Done">Those that had been folded before.</param>
/// <param name="Refused">Those that cannot be redriven.</param>
/// <param name="Next">Where to go on.</param>
/// <param name="End">Where to end.</param>
public sealed record RedriveInfo(
    bool DryRun, IReadOnlyList<RedrivenInfo> Appended, IReadOnlyList<string> Done, IReadOnlyList<RefusedRedrive> Refused, long? Next,
    long? End)
{
    internal RedriveInfo And(RedriveInfo more) =>
        new(DryRun, [.. Appended, .. more.Appended], [.. Done, .. more.Done], [.. Refused, .. more.Refused], more.Next, more.End);
}

/// <summary>A dead letter that was appended again.</summary>
/// <param name="Id">Which.</param>
/// <param name="Position">Where to; null in a dry run.</param>
/// <param name="Outcome">planned, pending, folded or failed again.</param>
public sealed record RedrivenInfo(string Id, Position? Position, string Outcome);

/// <summary>A dead letter that cannot be redriven.</summary>
/// <param name="Id">Which.</param>
/// <param name="Reason">Why not, and the remedy.</param>
public sealed record RefusedRedrive(string Id, string Reason);
