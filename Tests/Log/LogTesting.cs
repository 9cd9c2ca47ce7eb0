using System.Text;
using ActorStreams.Log;

namespace ActorStreams.Tests.Log;

internal static class LogTesting
{
    public static ReadOnlyMemory<byte>? Utf8(string? text) => text is null ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(text);

    public static NewRecord Record(string? key, string? value, long timestamp = 1, int partition = 0) =>
        new() { Partition = partition, Timestamp = timestamp, Key = Utf8(key), Value = Utf8(value) };

    public static async Task<List<ChangeRecord>> ReadToEndAsync(
        this IChangeLog log, TopicPartition partition, long from = 0, ReadLimits? limits = null)
    {
        var end = (await log.OffsetsAsync(partition.Topic))[partition.Partition].End;
        var records = new List<ChangeRecord>();
        await foreach (var batch in log.ReadRangeAsync(partition, from, end, limits ?? ReadLimits.Default))
        {
            Assert.NotEmpty(batch.Records);
            records.AddRange(batch.Records);
        }

        return records;
    }

    /// <summary>All of a record as text, so that a failed comparison shows it.</summary>
    public static string Show(this ChangeRecord r) => Show(r.Offset, r.Timestamp, r.Key, r.Value, r.Headers);

    public static string Show(this NewRecord r, long offset) => Show(offset, r.Timestamp, r.Key, r.Value, r.Headers);

    public static string Text(this ReadOnlyMemory<byte>? bytes) => bytes is { } present ? Encoding.UTF8.GetString(present.Span) : "(none)";

    private static string Show(
        long offset, long timestamp, ReadOnlyMemory<byte>? key, ReadOnlyMemory<byte>? value, IReadOnlyList<RecordHeader> headers) =>
        $"{offset} @{timestamp} {Hex(key)} = {Hex(value)} {string.Join(' ', headers.Select(h => $"{h.Name}:{Hex(h.Value)}"))}";

    private static string Hex(ReadOnlyMemory<byte>? bytes) => bytes switch
    {
        null => "none",
        { Length: > 100 } large =>
            $"{large.Length} bytes, {string.Join(',', System.Security.Cryptography.SHA256.HashData(large.Span).Take(4))}",
        { } present => "x" + Convert.ToHexString(present.Span),
    };
}
