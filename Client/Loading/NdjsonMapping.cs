using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading;

/// <summary>
/// How a JSON line becomes a record. Without a key field the line is <c>{key, value, timestamp?, headers?}</c>; with one, the whole
/// line is the value.
/// </summary>
public sealed record NdjsonMapping
{
    // Unix seconds stay below this until the year 5138, and milliseconds were above it from March 1973 on.
    private const double FirstMilliseconds = 1e11;

    /// <summary>The field that gives the key; null for lines that are whole records.</summary>
    public string? KeyField { get; init; }

    /// <summary>
    /// The field that gives the timestamp: ISO 8601 text, or a number, which is Unix seconds below 10^11 and milliseconds from there
    /// on. Only with <see cref="KeyField"/>.
    /// </summary>
    public string? TimeField { get; init; }

    /// <summary>The record of a line.</summary>
    /// <exception cref="FormatException">The line is not of the form; the message says what is wrong.</exception>
    public AppendRecord Record(JsonElement line)
    {
        if (line.ValueKind != JsonValueKind.Object)
            throw new FormatException($"it is JSON {Name(line.ValueKind)}, but an object is needed.");
        return KeyField is { } keyField
            ? new() { Key = Key(line, keyField), Value = line, Timestamp = TimeField is { } field ? Time(line, field) : null }
            : Whole(line);
    }

    private static AppendRecord Whole(JsonElement line)
    {
        if (!line.TryGetProperty("value", out var value))
            throw new FormatException(
                "it has no field 'value' (null is a tombstone). Name the key's field with --key if the whole line is the value.");
        return new()
        {
            Key = Key(line, "key"),
            Value = value.ValueKind == JsonValueKind.Null ? null : value,
            Timestamp = line.TryGetProperty("timestamp", out _) ? Time(line, "timestamp") : null,
            Headers = line.TryGetProperty("headers", out var headers) ? Texts(headers) : null,
        };
    }

    private static string Key(JsonElement line, string field) => line.TryGetProperty(field, out var key)
        ? key.ValueKind switch
        {
            JsonValueKind.String => key.GetString()!,
            JsonValueKind.Number => key.GetRawText(),
            _ => throw new FormatException($"the key's field '{field}' is JSON {Name(key.ValueKind)}, but text or a number is needed."),
        }
        : throw new FormatException($"it has no field '{field}' for the key.");

    private static DateTimeOffset? Time(JsonElement line, string field)
    {
        if (!line.TryGetProperty(field, out var time) || time.ValueKind == JsonValueKind.Null)
            return null;
        if (time.ValueKind == JsonValueKind.Number && time.TryGetDouble(out var number) && Math.Abs(number) < 2.5e14)
            return DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Round(Math.Abs(number) < FirstMilliseconds ? number * 1000 : number));
        if (time.ValueKind == JsonValueKind.String
            && DateTimeOffset.TryParse(time.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed))
        {
            return parsed;
        }

        throw new FormatException($"the time's field '{field}' is {time.GetRawText()}, but ISO 8601 text or a Unix time is needed.");
    }

    private static Dictionary<string, string>? Texts(JsonElement headers)
    {
        if (headers.ValueKind == JsonValueKind.Null)
            return null;
        if (headers.ValueKind != JsonValueKind.Object || headers.EnumerateObject().Any(h => h.Value.ValueKind != JsonValueKind.String))
            throw new FormatException("the field 'headers' must be an object of texts.");
        return headers.EnumerateObject().ToDictionary(h => h.Name, h => h.Value.GetString()!);
    }

    private static string Name(JsonValueKind kind) =>
        kind is JsonValueKind.True or JsonValueKind.False ? "boolean" : kind.ToString().ToLowerInvariant();
}
