using System.Text.Json.Serialization;

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
}
