using System.Text.Json.Serialization;
using ActorStreams.DeadLetters;
using ActorStreams.Log;

namespace ActorStreams.Protocol;

/// <summary>Something that could not be folded.</summary>
public sealed record DeadLetterInfo
{
    /// <summary><c>dataset@topic/partition:offset#index</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The dataset that could not fold it.</summary>
    public required string Dataset { get; init; }

    /// <summary>The position of the original.</summary>
    [JsonConverter(typeof(PositionConverter))]
    public required Position Position { get; init; }

    /// <summary>Which change of the original record; 0 for a record of a source topic.</summary>
    public int Index { get; init; }

    /// <summary>The original's key; null when it has none, or none that is text.</summary>
    public string? Key { get; init; }

    /// <summary>What is wrong, in a sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The original's time; null when it had none that is valid.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>What has become of it.</summary>
    [JsonConverter(typeof(WordConverter<DeadLetterState>))]
    public required DeadLetterState State { get; init; }

    /// <summary>Whether a redrive may fold it.</summary>
    public bool CanRedrive { get; init; }

    /// <summary>Why it is not offered to be redriven; null where it is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Refusal { get; init; }

    /// <summary>Who dismissed it, when and why; null unless it is dismissed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DismissalInfo? Dismissed { get; init; }

    /// <summary>For one that was redriven and failed again: the id under which it was first set aside.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? First { get; init; }

    /// <summary>The size of the original's value.</summary>
    public long? ValueBytes { get; init; }

    /// <summary>The key where it is not text.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyBase64 { get; init; }

    /// <summary>The exception with its stack; only of a single dead letter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }

    /// <summary>The value as text; only of a single dead letter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Value { get; init; }

    /// <summary>The value where it is not text; only of a single dead letter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ValueBase64 { get; init; }

    /// <summary>False where only the beginning of the value is kept; only of a single dead letter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Complete { get; init; }
}

/// <summary>A page of dead letters, newest first.</summary>
/// <param name="Topic">The topic that holds them.</param>
/// <param name="Records">How many records that topic has.</param>
/// <param name="Items">The dead letters.</param>
/// <param name="Next">The offset before which the next page begins; null on the last page.</param>
public sealed record DeadLetterPage(string Topic, long Records, IReadOnlyList<DeadLetterInfo> Items, long? Next);
