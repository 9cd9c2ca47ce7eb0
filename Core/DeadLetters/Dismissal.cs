using System.Buffers;
using System.Text;
using System.Text.Json;
using ActorStreams.Log;

namespace ActorStreams.DeadLetters;

/// <summary>An operator's word that a dead letter needs no redrive. It changes nothing that is folded.</summary>
/// <param name="Id">The dead letter; where it was redriven and failed again, the first one.</param>
/// <param name="By">Who dismissed it.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
/// <param name="Reason">Why, as the operator wrote it.</param>
public sealed record Dismissal(DeadLetterId Id, string By, long At, string Reason)
{
    /// <summary>Its offset in the topic of dead letters.</summary>
    public long Offset { get; init; }
}

/// <summary>
/// A dismissal as a record of the topic of dead letters. Key: <c>dismissal</c>, a space, and the id of the dead letter. Readers of
/// dead letters pass it by. Value, JSON: <code>{ by, at, reason }</code>
/// </summary>
internal static class DismissalFormat
{
    private const string Prefix = "dismissal ";

    /// <summary>Whether a key is that of a dismissal: no dataset's name has a space.</summary>
    internal static bool Is(ReadOnlySpan<byte> key) => key.StartsWith("dismissal "u8);

    internal static NewRecord ToRecord(Dismissal dismissal)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("by", dismissal.By);
            json.WriteNumber("at", dismissal.At);
            json.WriteString("reason", dismissal.Reason);
            json.WriteEndObject();
        }

        return new()
        {
            Partition = 0, Timestamp = Math.Max(1, dismissal.At), Key = Encoding.UTF8.GetBytes(Prefix + dismissal.Id),
            Value = buffer.WrittenSpan.ToArray(),
        };
    }

    /// <summary>Reads a record of the topic of dead letters; null when it is no dismissal.</summary>
    internal static Dismissal? Read(in ChangeRecord record)
    {
        if (record.Key is not { } key || record.Value is not { } value || !Is(key.Span)
            || !DeadLetterId.TryParse(Encoding.UTF8.GetString(key.Span[Prefix.Length..]), out var id))
            return null;
        try
        {
            var json = JsonElement.Parse(value.Span);
            return new(
                id, json.GetProperty("by").GetString() ?? "", json.GetProperty("at").GetInt64(),
                json.GetProperty("reason").GetString() ?? "")
            {
                Offset = record.Offset,
            };
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
