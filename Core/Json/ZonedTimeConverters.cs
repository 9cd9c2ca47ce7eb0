using System.Text.Json;
using System.Text.Json.Serialization;

namespace ActorStreams.Json;

/// <summary>
/// Times that say their offset from UTC. A text without one ("2026-07-01T12:00:00") means another instant on a host in another zone, so it
/// is refused when it is read.
/// </summary>
internal sealed class ZonedTimeOffsetConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ZonedTime.Check(reader.GetString()) is { } text && reader.TryGetDateTimeOffset(out var value)
            ? value
            : throw ZonedTime.NoTime(reader.GetString());

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value);

    public override DateTimeOffset ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ZonedTime.Parse(reader.GetString());

    public override void WriteAsPropertyName(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value.ToString("O", CultureInfo.InvariantCulture));
}

/// <summary>
/// A <see cref="DateTime"/> is read with its offset, as UTC, and one that does not say its zone is UTC. One of the host's zone cannot be
/// stored: it would be another on another host.
/// </summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTime>
{
    public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ZonedTime.Check(reader.GetString()) is not null && reader.TryGetDateTimeOffset(out var value)
            ? value.UtcDateTime
            : throw ZonedTime.NoTime(reader.GetString());

    public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) => writer.WriteStringValue(Utc(value));

    public override DateTime ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ZonedTime.Parse(reader.GetString()).UtcDateTime;

    public override void WriteAsPropertyName(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) =>
        writer.WritePropertyName(Utc(value).ToString("O", CultureInfo.InvariantCulture));

    private static DateTime Utc(DateTime value) => value.Kind != DateTimeKind.Local
        ? DateTime.SpecifyKind(value, DateTimeKind.Utc)
        : throw new JsonException(
            "A DateTime of the host's zone cannot be stored: it would be another time on another host. Use DateTimeOffset, or UTC.");
}

internal static class ZonedTime
{
    /// <summary>The characters of an offset such as +02:00.</summary>
    private const int OffsetLength = 6;

    /// <summary>The text, when it says its offset.</summary>
    /// <exception cref="JsonException">It does not.</exception>
    internal static string? Check(string? text)
    {
        if (text is null or { Length: 0 })
            return null;
        return HasOffset(text)
            ? text
            : throw new JsonException(
                $"The time '{Shown(text)}' does not say its offset from UTC: write it as 2026-07-01T12:00:00Z, or with +02:00 at its end.");
    }

    /// <summary>Whether a time says its offset: without one it is another instant on a host in another zone.</summary>
    internal static bool HasOffset(string text) => text.Length > 0
        && (text[^1] is 'Z' or 'z' || (text.Length > OffsetLength && text[^OffsetLength] is '+' or '-' && text[^3] == ':'));

    internal static DateTimeOffset Parse(string? text) =>
        DateTimeOffset.TryParse(Check(text), CultureInfo.InvariantCulture, DateTimeStyles.None, out var value) ? value : throw NoTime(text);

    internal static JsonException NoTime(string? text) =>
        new($"'{Shown(text)}' is no time of ISO 8601 such as 2026-07-01T12:00:00Z.");

    private static string? Shown(string? text) => text?.Length > 40 ? text[..40] + "…" : text;
}
