using System.Text;
using System.Text.Json;
using ActorStreams.DeadLetters;
using ActorStreams.Json;
using ActorStreams.Log;

namespace ActorStreams.Grains.Appends;

/// <summary>
/// One line of an append: <c>{ "key", "value", "timestamp"?, "headers"? }</c>, checked. The value's bytes go
/// into the log as they were sent.
/// </summary>
internal static class AppendLine
{
    private const int MaxDepth = 64;

    /// <summary>The years 1 to 9999.</summary>
    private static readonly long MinTimestamp = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long MaxTimestamp = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>Reads a line.</summary>
    /// <returns>Null and the record, or what is wrong with the line.</returns>
    internal static string? Parse(ReadOnlySpan<byte> line, int partitions, KeyPartitioner partitioner, long now, out NewRecord record)
    {
        record = default;
        try
        {
            var members = Read(line);
            if (members.Error is not null)
                return members.Error;
            if (members.Key is not { } key)
                return "The record has no key. Give it one as \"key\": text.";
            if (!members.HasValue)
                return "The record has no value. Give it one as \"value\": JSON; null means a tombstone, which ends the entity.";
            var bytes = Encoding.UTF8.GetBytes(key);
            record = new()
            {
                Partition = Partitioner.PartitionOf(bytes, partitions, partitioner),
                Timestamp = members.Timestamp ?? now,
                Key = bytes,
                Value = members.Value is { } value ? value : default(ReadOnlyMemory<byte>?),
                Headers = members.Headers,
            };
            return null;
        }
        catch (JsonException error)
        {
            return $"The line is not a JSON object: {error.Message}";
        }
        catch (InvalidOperationException error)
        {
            // Text with half a surrogate pair has no UTF-8 form.
            return $"The line has text that is not Unicode: {error.Message}";
        }
    }

    private static Members Read(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = MaxDepth });
        var members = default(Members) with { Headers = [] };
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return members with { Error = "The line is not a JSON object. It has the form { \"key\": text, \"value\": JSON }." };
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName && members.Error is null)
        {
            var name = reader.GetString();
            reader.Read();
            members = name switch
            {
                "key" => reader.TokenType == JsonTokenType.String ? members with { Key = reader.GetString() }
                    : members with { Error = $"The key is a {reader.TokenType}, but must be text." },
                "value" => members with { Value = Raw(ref reader, line), HasValue = true },
                "timestamp" => Timestamp(ref reader, members),
                "headers" => Headers(ref reader, members),
                _ => members with { Error = $"'{name}' is no member of a record. It has key, value, timestamp and headers." },
            };
        }

        // What follows the object is an error too, and so is an object that does not end.
        while (members.Error is null && reader.Read())
        {
        }

        return members;
    }

    /// <summary>The value's bytes; null for JSON null.</summary>
    private static byte[]? Raw(ref Utf8JsonReader reader, ReadOnlySpan<byte> line)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return line[start..(int)reader.BytesConsumed].ToArray();
    }

    private static Members Timestamp(ref Utf8JsonReader reader, Members members) => reader.TokenType switch
    {
        JsonTokenType.Number when reader.TryGetInt64(out var milliseconds) && milliseconds >= MinTimestamp
            && milliseconds <= MaxTimestamp => members with { Timestamp = milliseconds },
        JsonTokenType.String when reader.TryGetDateTimeOffset(out var time) && ZonedTime.HasOffset(reader.GetString()!) =>
            members with { Timestamp = time.ToUnixTimeMilliseconds() },
        JsonTokenType.Null => members,
        _ => members with { Error = "The timestamp is neither Unix milliseconds nor ISO 8601 text with its offset from UTC, like "
            + "\"2026-01-31T12:00:00Z\"." },
    };

    private static Members Headers(ref Utf8JsonReader reader, Members members)
    {
        var headers = new List<RecordHeader>();
        if (reader.TokenType != JsonTokenType.StartObject)
            return members with { Error = "The headers are not an object of texts." };
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                return members with { Error = $"The header '{name}' is not a text." };
            if (Redrive.IsReserved(name))
                return members with
                {
                    Error = $"The header '{name}' is the system's own: names that begin with '{Redrive.Reserved}' cannot be appended. "
                        + "Name it otherwise.",
                };
            headers.Add(new(name, Encoding.UTF8.GetBytes(reader.GetString()!)));
        }

        return members with { Headers = headers };
    }

    private readonly record struct Members(
        string? Key, byte[]? Value, bool HasValue, long? Timestamp, IReadOnlyList<RecordHeader> Headers, string? Error);
}
