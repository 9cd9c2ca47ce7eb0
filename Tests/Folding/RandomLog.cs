using System.Text;
using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.Folding;

/// <summary>Random records of the pool's topics: several partitions, tombstones, and records that cannot be folded.</summary>
internal static class RandomLog
{
    private static readonly string[] Kinds = ["put", "put", "add", "add", "same", "end"];

    internal static List<(string Topic, NewRecord Record)> Records(
        Random random, int itemPartitions, int peoplePartitions, int count, Func<string, int, int>? partitionOf = null)
    {
        partitionOf ??= (key, partitions) => Partitioner.PartitionOf(key, partitions);
        var records = new List<(string, NewRecord)>();
        for (var i = 0; i < count; i++)
        {
            var person = random.Next(4) == 0;
            var key = person ? $"p{random.Next(5)}" : $"k{random.Next(9)}{(random.Next(2) == 0 ? "x" : "")}";
            records.Add((person ? Pool.People : Pool.Items, new()
            {
                Partition = partitionOf(key, person ? peoplePartitions : itemPartitions),
                Timestamp = 1_700_000_000_000 + (i * 1_000) + random.Next(3_000),
                Key = random.Next(40) == 0
                    ? default(ReadOnlyMemory<byte>?)
                    : random.Next(60) == 0 ? new byte[] { 0xFF, 0xFE } : Encoding.UTF8.GetBytes(key),
                Value = Value(random),
            }));
        }

        return records;
    }

    internal static async Task<InMemoryChangeLog> WriteAsync(
        IEnumerable<(string Topic, NewRecord Record)> records, int itemPartitions, int peoplePartitions)
    {
        var log = new InMemoryChangeLog();
        await log.CreateTopicAsync(Pool.Items, itemPartitions);
        await log.CreateTopicAsync(Pool.People, peoplePartitions);
        foreach (var (topic, record) in records)
            await log.AppendAsync(topic, [record]);
        return log;
    }

    private static ReadOnlyMemory<byte>? Value(Random random) => random.Next(20) switch
    {
        0 or 1 => default(ReadOnlyMemory<byte>?),
        2 => "{\"kind\":"u8.ToArray(),
        3 => "null"u8.ToArray(),
        _ => JsonSerializer.SerializeToUtf8Bytes(new Put(Kinds[random.Next(Kinds.Length)], random.Next(40)), JsonSerializerOptions.Web),
    };
}
