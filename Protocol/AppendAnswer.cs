using System.Text.Json.Serialization;

namespace ActorStreams.Protocol;

/// <summary>One line of the answer to an append: where the record is, or why it was not appended.</summary>
public sealed record AppendAnswer
{
    /// <summary>The topic; null for an error.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Topic { get; init; }

    /// <summary>The partition.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Partition { get; init; }

    /// <summary>The offset.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Offset { get; init; }

    /// <summary>The line that was not appended, from 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Line { get; init; }

    /// <summary>Why it was not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }
}

/// <summary>A line of a body that cannot be appended.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Error">What is wrong with it.</param>
public sealed record LineError(int Line, string Error);

/// <summary>An error as RFC 9457 has it, as far as a client reads it.</summary>
/// <param name="Title">What kind of error.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What is wrong, and the remedy.</param>
/// <param name="Errors">Lines that cannot be appended.</param>
public sealed record Problem(string? Title, int? Status, string? Detail, IReadOnlyList<LineError>? Errors = null);
