using System.Text;
using System.Text.Json;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.Simulation;

/// <summary>Random records for a topology: values, tombstones, records that cannot be folded, and redrives.</summary>
internal static class Records
{
    private const string RedriveOf = "redrive-of";
    private static readonly string[] Kinds = ["put", "put", "add", "add", "third", "same", "end"];
    private static readonly string[] Words = ["red", "green", "blue", "small", "large", "new", "old"];

    /// <summary>Records of all entities. Those of some topologies lie where a foreign partitioner puts them.</summary>
    internal static IEnumerable<(string Topic, NewRecord Record)> Of(Topology topology, Random random, int count)
    {
        var partitioner = random.Next(4) == 0 ? KeyPartitioner.Crc32 : KeyPartitioner.Murmur2;
        var entities = topology.Datasets.Where(dataset => dataset.Kind == DatasetKind.Entity).ToList();
        for (var i = 0; i < count; i++)
        {
            var entity = entities[random.Next(entities.Count)];
            var key = $"k{random.Next(6)}";
            var record = new NewRecord
            {
                Partition = Partitioner.PartitionOf(key, entity.Partitions, partitioner),
                Timestamp = 1_700_000_000_000 + (i * 1_000) + random.Next(3_000),
                Key = Encoding.UTF8.GetBytes(key),
                Value = Value(entity, random),
            };
            yield return (entity.Topic, random.Next(60) switch
            {
                0 => record with { Key = null },
                1 => record with { Key = new byte[] { 0xFF, 0xFE } },
                < 8 => record with { Headers = [new(RedriveOf, BitConverter.GetBytes(random.Next()))] },
                _ => record,
            });
        }
    }

    /// <summary>The record as it is appended: a redrive is of a record that its partition has by then.</summary>
    internal static NewRecord Resolve(Simulation simulation, in NewRecord record, string topic)
    {
        if (record.Headers.Count == 0 || record.Headers[0].Name != RedriveOf)
            return record;
        var partition = new TopicPartition(topic, record.Partition);
        var (all, entity) = (simulation.Log.All(partition), simulation.Topology.Datasets.First(dataset => dataset.Topic == topic));
        if (all.Count == 0)
            return record with { Headers = [] };
        var original = all[BitConverter.ToInt32(record.Headers[0].Value.Span) % all.Count];
        var id = new DeadLetterId(entity.Name, new(topic, record.Partition, original.Offset), 0);
        return new()
        {
            Partition = record.Partition, Timestamp = original.Timestamp, Key = original.Key, Value = original.Value,
            Headers = [.. Redrive.Original(original.Headers), Redrive.HeaderOf(id)],
        };
    }

    /// <summary>A key that is likely to exist.</summary>
    internal static ClientKey AnyKey(Simulation simulation)
    {
        var random = simulation.Random;
        var dataset = simulation.Topology.Datasets[random.Next(simulation.Topology.Datasets.Count)];
        string[] keys = dataset.StateType.Name.Split('`')[0] switch
        {
            nameof(Item) or nameof(Person) or nameof(Offer) => ["k0", "k1", "k2"],
            nameof(Basket) => ["b0", "b1"],
            nameof(ByPrice) => ["1.5", "10", "2.5"],
            nameof(ByTag) => Words,
            "Tally" or "Money" => ["t0", "t1", "t2"],
            "Spread" => ["all", "s0", "s1"],
            "Peak" => ["p0", "p1"],
            "Podium" => ["all", "q0", "q1"],
            nameof(Both<Item, Person>) => ["b0", "b1"],
            nameof(Fragile) => ["f0", "f1"],
            _ => ["g0", "g1", "k0", "k1", "1.5", "2"],
        };
        var key = keys[random.Next(keys.Length)];
        return new(dataset, key, dataset.PartitionOf(key));
    }

    private static ReadOnlyMemory<byte>? Value(Dataset entity, Random random) => random.Next(20) switch
    {
        0 or 1 => default(ReadOnlyMemory<byte>?),
        2 => "{\"kind\":"u8.ToArray(),
        3 => "null"u8.ToArray(),
        _ when entity.StateType == typeof(Offer) => Encoding.UTF8.GetBytes(
            $$"""{"price":{{Price(random)}},"tags":{{JsonSerializer.Serialize(Words.Where(_ => random.Next(4) == 0))}}}"""),
        _ => JsonSerializer.SerializeToUtf8Bytes(new Put(Kinds[random.Next(Kinds.Length)], random.Next(40)), JsonSerializerOptions.Web),
    };

    /// <summary>The same few prices, each written in several ways.</summary>
    private static string Price(Random random) => random.Next(8) switch
    {
        0 => "1.5",
        1 => "1.50",
        2 => "10",
        3 => "10.0",
        4 => "10.00",
        5 => "2.500",
        6 => "-0.50",
        _ => "0.25",
    };
}

/// <summary>The key that a client reads or watches.</summary>
internal sealed record ClientKey(Dataset Dataset, string Key, int Partition)
{
    public override string ToString() => $"{Dataset.Name} '{Key}' ({Partition})";
}
