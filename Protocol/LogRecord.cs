using System.Text.Json;

namespace ActorStreams.Protocol;

/// <summary>A record as read from a topic.</summary>
public sealed record LogRecord
{
    /// <summary>The topic's name.</summary>
    public required string Topic { get; init; }

    /// <summary>The partition's number.</summary>
    public required int Partition { get; init; }

    /// <summary>The record's offset.</summary>
    public required long Offset { get; init; }

    /// <summary>The record's timestamp.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The key; null when the record has none.</summary>
    public string? Key { get; init; }

    /// <summary>The value; null for a tombstone, and where <see cref="ValueBase64"/> or <see cref="Frame"/> holds it.</summary>
    public JsonElement? Value { get; init; }

    /// <summary>A value that is not JSON.</summary>
    public string? ValueBase64 { get; init; }

    /// <summary>The headers; null when there are none.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>For a record of a view's input log, the routed changes it carries.</summary>
    public JsonElement? Frame { get; init; }
}
