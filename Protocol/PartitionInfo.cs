using System.Text.Json.Serialization;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>The status of a partition. The more severe a status, the later it stands.</summary>
[JsonConverter(typeof(WordConverter<PartitionState>))]
public enum PartitionState
{
    /// <summary>A status that this version does not know.</summary>
    Unknown,

    /// <summary>It folds.</summary>
    Running,

    /// <summary>Its owner reads the checkpoint.</summary>
    Starting,

    /// <summary>Its owner has handed it over.</summary>
    Closed,

    /// <summary>The owner does not answer.</summary>
    Unreachable,

    /// <summary>The log or the store is unreachable; the partition retries.</summary>
    Waiting,

    /// <summary>No silo knows its definition: its states are served as they were stored.</summary>
    Frozen,

    /// <summary>It stopped at a record, and stays there until an operator acts.</summary>
    Stopped,
}

/// <summary>A partition and how it is doing.</summary>
/// <param name="Partition">Its number.</param>
/// <param name="Silo">The silo that owns it; null when that did not answer.</param>
/// <param name="Status">Its status.</param>
/// <param name="Reason">Why it does not fold; null while it does.</param>
/// <param name="NextOffset">The offset of the record that is folded next.</param>
/// <param name="EndOffset">The end of its input log.</param>
/// <param name="States">How many states it has.</param>
/// <param name="StatesInMemory">How many of them are in memory.</param>
/// <param name="Behind">How far it is behind.</param>
/// <param name="OpenDeadLetters">Records set aside that were not folded since.</param>
/// <param name="CheckpointAgeSeconds">Seconds since its last checkpoint, while there is something to write.</param>
public sealed record PartitionInfo(
    int Partition, string? Silo, PartitionState Status, string? Reason, long NextOffset, long EndOffset, long States, int StatesInMemory,
    Behind? Behind, long OpenDeadLetters,
    double CheckpointAgeSeconds)
{
    /// <summary>Its dataset; set where partitions of several datasets stand together.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Dataset { get; init; }

    /// <summary>The offset before which it has stopped; null unless it has.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? StoppedAt { get; init; }
}

/// <summary>The record before which a partition has stopped, to be set aside.</summary>
/// <param name="Dataset">The dataset.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Offset">Where it stands: <see cref="PartitionInfo.StoppedAt"/>.</param>
/// <param name="WaitSeconds">How long to wait for the checkpoint.</param>
public sealed record SetAsideRequest(string Dataset, int Partition, long Offset, double? WaitSeconds = null);

/// <summary>A record that is set aside: a checkpoint with it is written, and its partition continues.</summary>
/// <param name="Dataset">The dataset.</param>
/// <param name="Position">The record of its input log.</param>
public sealed record SetAsideInfo(string Dataset, [property: JsonConverter(typeof(PositionConverter))] Position Position);

/// <summary>A silo of the cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Address">The address at which other silos reach it.</param>
/// <param name="Status">active, joining, shuttingdown or stopping.</param>
/// <param name="Partitions">How many partitions it owns.</param>
/// <param name="States">How many states those have.</param>
/// <param name="BehindRecords">Records they have still to fold.</param>
/// <param name="IsThis">Whether it is the silo that answered.</param>
public sealed record SiloInfo(string Name, string Address, string Status, int Partitions, long States, long BehindRecords, bool IsThis);
