using System.Text;
using ActorStreams.Log;
using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.Log;

namespace ActorStreams.Tests.DeadLetters;

/// <summary>Good records of the ledgers' topic, and among them poison of ten kinds.</summary>
internal sealed class PoisonRecords(Random random)
{
    internal const string Topic = "ledger";
    internal const int Partitions = 4;
    private const int Keys = 500;
    private const int BatchRecords = 2_000;

    /// <summary>Each kind with what its reason must say.</summary>
    internal static readonly (string Kind, Func<byte[]> Value, string Reason)[] Kinds =
    [
        ("bad JSON", () => Utf8("{\"type\":\"in\",\"amount\":"), "not the JSON of a Payment"),
        ("wrong type", () => Utf8("{\"type\":\"in\",\"amount\":\"five\",\"note\":\"x\"}"), "could not be converted to"),
        ("null where none may be", () => Utf8("{\"type\":\"in\",\"amount\":5,\"note\":null}"), "doesn't allow null"),
        ("the literal null", () => Utf8("null"), "The value is null"),
        ("huge", () => Utf8($"{{\"type\":\"in\",\"amount\":5,\"note\":\"{new string('x', 200_000)}\"}}"), "The note has 200000 characters"),
        ("invalid UTF-8", () => [.. Utf8("{\"type\":\"in\",\"amount\":5,\"note\":\""), 0xFF, 0xFE, .. Utf8("\"}")],
            "not the JSON of a Payment"),
        ("empty", () => [], "not the JSON of a Payment"),
        ("unknown subtype", () => Utf8("{\"type\":\"sideways\",\"amount\":5}"), "sideways"),
        ("the fold throws", () => Utf8("{\"type\":\"out\",\"amount\":13}"), "Thirteen cannot be booked"),
        ("deep JSON", () => Utf8($"{{\"type\":\"out\",\"amount\":5,\"extra\":{new string('[', 100)}{new string(']', 100)}}}"), "depth"),
    ];

    /// <summary>Records and checksum of each key: of the good ones, and of all.</summary>
    internal Dictionary<string, (int Records, long Checksum)> Good { get; } = [];

    internal Dictionary<string, (int Records, long Checksum)> All { get; } = [];

    /// <summary>Where each poison record stands, and of which kind it is.</summary>
    internal Dictionary<Position, int> Poison { get; } = [];

    internal async Task WriteAsync(string data, int good, int poison)
    {
        using var directory = DataDirectory.Open(data);
        await using var log = SqliteChangeLog.Open(new() { Path = directory.FilePath("log.db") });
        await log.CreateTopicAsync(Topic, Partitions);
        var kinds = Enumerable.Range(0, good + poison).Select(i => i < poison ? i % Kinds.Length : -1).ToArray();
        random.Shuffle(kinds);
        foreach (var some in kinds.Chunk(BatchRecords))
        {
            var records = some.Select(New).ToList();
            var positions = await log.AppendAsync(Topic, records);
            for (var i = 0; i < some.Length; i++)
            {
                var (key, value) = (Encoding.UTF8.GetString(records[i].Key!.Value.Span), records[i].Value!.Value);
                Count(All, key, value);
                if (some[i] < 0)
                    Count(Good, key, value);
                else
                    Poison.Add(positions[i], some[i]);
            }
        }
    }

    private static void Count(Dictionary<string, (int Records, long Checksum)> keys, string key, ReadOnlyMemory<byte> value)
    {
        var (records, checksum) = keys.GetValueOrDefault(key);
        keys[key] = (records + 1, checksum + Ledger.ChecksumOf(value.Span));
    }

    private NewRecord New(int kind, int i)
    {
        var key = Utf8($"k{random.Next(Keys):000}");
        return new()
        {
            Partition = Partitioner.PartitionOf(key, Partitions),
            Timestamp = 1_700_000_000_000 + i,
            Key = key,
            Value = kind >= 0 ? Kinds[kind].Value() : Utf8($"{{\"type\":\"out\",\"amount\":{20 + random.Next(1_000_000)}}}"),
            Headers = kind >= 0 && random.Next(2) == 0 ? [new("trace", new byte[] { 0xFF, (byte)kind })] : [],
        };
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
