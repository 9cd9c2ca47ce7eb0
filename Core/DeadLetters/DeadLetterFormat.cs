using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using ActorStreams.Log;

namespace ActorStreams.DeadLetters;

/// <summary>
/// A dead letter as a record. Key: its id, <c>dataset@topic/partition:offset#index</c>, so a repeat after a crash
/// has the same one. Value, JSON:
/// <code>{ dataset, position, timestamp, index, key, keyBase64?, reason, error, headers?, first?, value |
/// valueBase64, valueBytes, complete }</code>
/// <c>value</c> is the original as text, and <c>valueBase64</c> the original where it is not UTF-8 or much longer as text; neither, where
/// it had none. <c>first</c> is the id under which a record was first set aside that was redriven and failed again. <c>complete</c> says
/// that key, headers and value are all there: of a value over 128 KiB only the beginning is, since a dead letter must fit into the log; the
/// whole is where <c>position</c> says.
/// </summary>
internal static class DeadLetterFormat
{
    /// <summary>Bytes of the original that a dead letter holds.</summary>
    internal const int MaxOriginalBytes = 128 << 10;

    /// <summary>Bytes that are kept of a longer value.</summary>
    private const int BeginningBytes = 4 << 10;

    /// <summary>Characters that are kept of a reason, an error with its stack, and a key.</summary>
    private const int MaxTextChars = 8 << 10;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static NewRecord ToRecord(DeadLetter letter) => new()
    {
        Partition = 0,
        Timestamp = Math.Max(1, letter.Timestamp), // as a frame's: the real one is in the value
        Key = Encoding.UTF8.GetBytes(letter.Id.ToString()),
        Value = ToJson(letter),
    };

    /// <summary>Reads a record of the topic of dead letters, with the original or without it; null when it is none.</summary>
    internal static StoredDeadLetter? Read(in ChangeRecord record, bool withOriginal)
    {
        if (record.Key is not { } key || DismissalFormat.Is(key.Span)
            || !DeadLetterId.TryParse(Encoding.UTF8.GetString(key.Span), out var id)
            || record.Value is not { } value)
            return null;
        try
        {
            var json = JsonElement.Parse(value.Span);
            return new(id, record.Offset, json.GetProperty("timestamp").GetInt64(), Text(json, "reason") ?? "")
            {
                Key = Text(json, "key"),
                KeyBytes = Bytes(json, "keyBase64") ?? (Text(json, "key") is { } text ? Encoding.UTF8.GetBytes(text) : null),
                Error = Text(json, "error"),
                First = DeadLetterId.TryParse(Text(json, "first"), out var first) ? first : null,
                Value = !withOriginal
                    ? null
                    : Bytes(json, "valueBase64") ?? (Text(json, "value") is { } original ? Encoding.UTF8.GetBytes(original) : null),
                ValueBytes = json.TryGetProperty("valueBytes", out var bytes) ? bytes.GetInt64() : null,
                Headers = json.TryGetProperty("headers", out var headers)
                    ? [.. headers.EnumerateArray().Select(pair => new RecordHeader(pair[0].GetString()!, pair[1].GetBytesFromBase64()))]
                    : [],
                IsComplete = json.TryGetProperty("complete", out var complete) && complete.GetBoolean(),
            };
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static byte[] ToJson(DeadLetter letter)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, Options);
        var isComplete = SizeOf(letter) <= MaxOriginalBytes && !(letter.Key?.Length > MaxTextChars);
        json.WriteStartObject();
        json.WriteString("dataset", letter.Dataset);
        json.WriteString("position", letter.Position.ToString());
        json.WriteNumber("timestamp", letter.Timestamp);
        json.WriteNumber("index", letter.Index);
        json.WriteString("key", Short(letter.Key));
        if (isComplete && letter is { Key: null, KeyBytes: { } key })
            json.WriteBase64String("keyBase64", key.Span);
        json.WriteString("reason", Short(letter.Reason));
        json.WriteString("error", Short(letter.Error));
        if (isComplete && letter.Headers.Count > 0)
            WriteHeaders(json, letter.Headers);
        if (letter.First is { } first)
            json.WriteString("first", first.ToString());
        if (letter.Value is { } value)
            WriteValue(json, isComplete || value.Length <= BeginningBytes ? value.Span : value.Span[..BeginningBytes], value.Length);
        json.WriteBoolean("complete", isComplete);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static int SizeOf(DeadLetter letter) => RecordSize.Of(letter.KeyBytes, letter.Value, letter.Headers);

    private static void WriteHeaders(Utf8JsonWriter json, IReadOnlyList<RecordHeader> headers)
    {
        json.WriteStartArray("headers");
        foreach (var header in headers)
        {
            json.WriteStartArray();
            json.WriteStringValue(header.Name);
            json.WriteBase64StringValue(header.Value.Span);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter json, ReadOnlySpan<byte> value, int length)
    {
        // Control characters take six bytes each as text.
        if (Utf8.IsValid(value) && CountControls(value) <= value.Length / 8)
            json.WriteString("value", value);
        else
            json.WriteBase64String("valueBase64", value);
        json.WriteNumber("valueBytes", length);
    }

    private static int CountControls(ReadOnlySpan<byte> value)
    {
        var count = 0;
        foreach (var b in value)
            count += b < 0x20 ? 1 : 0;
        return count;
    }

    private static string? Short(string? text) => text?.Length > MaxTextChars ? text[..MaxTextChars] + "…" : text;

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static byte[]? Bytes(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? value.GetBytesFromBase64() : null;
}
