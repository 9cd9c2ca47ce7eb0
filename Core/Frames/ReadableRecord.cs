using System.Text.Json;
using System.Text.Unicode;
using ActorStreams.Log;

namespace ActorStreams.Frames;

/// <summary>
/// A log record as JSON for people: <c>{ topic, partition, offset, time, key, value | valueBase64 | frame, headers? }</c>.
/// </summary>
internal static class ReadableRecord
{
    /// <summary>Deeper JSON than this is shown as text.</summary>
    private const int MaxDepth = 64;

    internal static void Write(Utf8JsonWriter json, TopicPartition partition, in ChangeRecord record, bool isFrame)
    {
        json.WriteStartObject();
        WritePosition(json, new(partition.Topic, partition.Partition, record.Offset));
        json.WriteString("time", DateTimeOffset.FromUnixTimeMilliseconds(record.Timestamp));
        if (isFrame && record.Value is { } frame)
            WriteFrame(json, frame);
        else
            WriteKeyAndValue(json, record);
        if (record.Headers.Count > 0)
            WriteHeaders(json, record.Headers);
        json.WriteEndObject();
    }

    private static void WriteKeyAndValue(Utf8JsonWriter json, in ChangeRecord record)
    {
        if (record.Key is { } key && Utf8.IsValid(key.Span))
            json.WriteString("key", key.Span);
        else if (record.Key is { } bytes)
            json.WriteBase64String("keyBase64", bytes.Span);
        else
            json.WriteNull("key");
        if (record.Value is { } value)
            WriteValue(json, value.Span);
        else
            json.WriteNull("value");
    }

    private static void WriteValue(Utf8JsonWriter json, ReadOnlySpan<byte> value)
    {
        if (IsJson(value))
        {
            json.WritePropertyName("value");
            json.WriteRawValue(value, skipInputValidation: true);
        }
        else
        {
            json.WriteBase64String("valueBase64", value);
        }
    }

    private static void WriteHeaders(Utf8JsonWriter json, IReadOnlyList<RecordHeader> headers)
    {
        json.WriteStartObject("headers");
        foreach (var header in headers)
        {
            if (Utf8.IsValid(header.Value.Span))
                json.WriteString(header.Name, header.Value.Span);
            else
                json.WriteBase64String(header.Name, header.Value.Span);
        }

        json.WriteEndObject();
    }

    private static void WriteFrame(Utf8JsonWriter json, ReadOnlyMemory<byte> bytes)
    {
        var frame = new FrameReader(bytes);
        json.WriteStartObject("frame");
        json.WriteString("source", frame.Source);
        json.WriteNumber("sourceBuild", frame.SourceBuild);
        json.WriteNumber("sourcePartition", frame.SourcePartition);
        json.WriteStartArray("changes");
        while (frame.NextChange())
        {
            while (frame.NextRoute(out var kind, out var index, out var viewKey))
            {
                json.WriteStartObject();
                json.WriteString("key", viewKey);
                json.WriteString("sourceKey", frame.SourceKey);
                WriteState(json, "before", kind == RouteKind.Entered ? default(ReadOnlyMemory<byte>?) : frame.Before);
                WriteState(json, "after", kind == RouteKind.Left ? default(ReadOnlyMemory<byte>?) : frame.After);
                json.WriteStartObject("origin");
                json.WriteNumber("offset", frame.Offset);
                json.WriteNumber("index", index);
                json.WriteEndObject();
                json.WriteString("root", frame.Root?.ToString() ?? "origin");
                json.WriteString("time", DateTimeOffset.FromUnixTimeMilliseconds(frame.Timestamp));
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteState(Utf8JsonWriter json, string name, ReadOnlyMemory<byte>? state)
    {
        json.WritePropertyName(name);
        if (state is { } bytes)
            json.WriteRawValue(bytes.Span, skipInputValidation: true);
        else
            json.WriteNullValue();
    }

    private static void WritePosition(Utf8JsonWriter json, Position position)
    {
        json.WriteString("topic", position.Topic);
        json.WriteNumber("partition", position.Partition);
        json.WriteNumber("offset", position.Offset);
    }

    private static bool IsJson(ReadOnlySpan<byte> value)
    {
        try
        {
            var reader = new Utf8JsonReader(value, new JsonReaderOptions { MaxDepth = MaxDepth });
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
