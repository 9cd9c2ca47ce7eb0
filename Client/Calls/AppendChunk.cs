using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace ActorStreams.Client.Calls;

/// <summary>
/// Records that are sent in one request. It keeps to the bounds within which a silo checks a body as a whole before it appends, so a
/// bad record means that nothing of its chunk was appended. A single larger record is a chunk alone.
/// </summary>
internal sealed class AppendChunk
{
    public const int MaxRecords = 1_000;
    public const int MaxBytes = 1 << 20;

    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = WireJson.Options.Encoder };

    private readonly ArrayBufferWriter<byte> _body = new();
    private readonly List<AppendRecord> _records = [];

    public IReadOnlyList<AppendRecord> Records => _records;

    public ReadOnlyMemory<byte> Body => _body.WrittenMemory;

    /// <summary>The chunk of records that are known to fit, as they did before.</summary>
    public static AppendChunk Of(IEnumerable<AppendRecord> records, JsonSerializerOptions options)
    {
        var chunk = new AppendChunk();
        foreach (var record in records)
            chunk.Add(record, Line(record, options));
        return chunk;
    }

    /// <summary>Splits a stream of records into chunks.</summary>
    public static async IAsyncEnumerable<AppendChunk> SplitAsync(
        IAsyncEnumerable<AppendRecord> records, JsonSerializerOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var chunk = new AppendChunk();
        await foreach (var record in records.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            var line = Line(record, options);
            if (chunk._records.Count == MaxRecords || (chunk._records.Count > 0 && chunk._body.WrittenCount + line.Length > MaxBytes))
            {
                yield return chunk;
                chunk = new();
            }

            chunk.Add(record, line);
        }

        if (chunk._records.Count > 0)
            yield return chunk;
    }

    private void Add(AppendRecord record, ReadOnlySpan<byte> line)
    {
        _records.Add(record);
        _body.Write(line);
    }

    private static byte[] Line(AppendRecord record, JsonSerializerOptions options)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line, WriterOptions))
            Write(json, record, options);
        line.Write("\n"u8);
        return line.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, AppendRecord record, JsonSerializerOptions options)
    {
        json.WriteStartObject();
        json.WriteString("key"u8, record.Key);
        json.WritePropertyName("value"u8);
        if (record.Value is null)
            json.WriteNullValue();
        else
            JsonSerializer.Serialize(json, record.Value, record.Value.GetType(), options);
        if (record.Timestamp is { } timestamp)
            json.WriteNumber("timestamp"u8, timestamp.ToUnixTimeMilliseconds());
        if (record.Headers is { Count: > 0 } headers)
        {
            json.WriteStartObject("headers"u8);
            foreach (var (name, value) in headers)
                json.WriteString(name, value);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
