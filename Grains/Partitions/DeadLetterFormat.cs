using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using ActorStreams.Folding;
using ActorStreams.Log;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// A dead letter as a record. Key: <c>dataset@topic/partition:offset#ordinal</c>, so a repeat after a crash has the same one. Value, JSON:
/// <code>{ dataset, position, timestamp, ordinal, key, reason, error, value | valueBase64 }</code>
/// where <c>value</c> is the original as text, and <c>valueBase64</c> the original where it is not UTF-8; neither, where it had none.
/// </summary>
internal static class DeadLetterFormat
{
    internal static NewRecord ToRecord(DeadLetter letter) => new()
    {
        Partition = 0,
        Timestamp = Math.Max(1, letter.Timestamp), // as a frame's: the real one is in the value
        Key = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{letter.Dataset}@{letter.Position}#{letter.Ordinal}")),
        Value = ToJson(letter),
    };

    private static byte[] ToJson(DeadLetter letter)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("dataset", letter.Dataset);
        json.WriteString("position", letter.Position.ToString());
        json.WriteNumber("timestamp", letter.Timestamp);
        json.WriteNumber("ordinal", letter.Ordinal);
        json.WriteString("key", letter.Key);
        json.WriteString("reason", letter.Reason);
        json.WriteString("error", letter.Error);
        if (letter.Value is { } value && Utf8.IsValid(value.Span))
            json.WriteString("value", value.Span);
        else if (letter.Value is { } bytes)
            json.WriteBase64String("valueBase64", bytes.Span);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
