using System.Text;
using System.Text.Json;
using ActorStreams.DeadLetters;
using ActorStreams.Log;

namespace ActorStreams.Tests.Simulation;

/// <summary>
/// A random log in which records are redriven: some that were set aside and many that were not, once or several times, also for
/// datasets that never read them.
/// </summary>
internal static class RedriveRecords
{
    private static readonly string[] Kinds = ["put", "add", "add", "third", "third", "third", "end"];

    internal static async Task<InMemoryChangeLog> WriteAsync(Random random, int itemPartitions, int peoplePartitions, int count)
    {
        var log = new InMemoryChangeLog();
        await log.CreateTopicAsync(Topologies.Items, itemPartitions);
        await log.CreateTopicAsync(Topologies.People, peoplePartitions);
        for (var i = 0; i < count; i++)
        {
            var (topic, partitions) = random.Next(4) == 0 ? (Topologies.People, peoplePartitions) : (Topologies.Items, itemPartitions);
            var partition = new TopicPartition(topic, random.Next(partitions));
            var end = (await log.OffsetsAsync(topic))[partition.Partition].End;
            if (end > 0 && random.Next(3) == 0)
                await RedriveAsync(random, log, partition, random.NextInt64(end));
            else
                await log.AppendAsync(topic, [New(random, topic, partitions, i)]);
        }

        return log;
    }

    /// <summary>The record at an offset once more, as a redrive does it.</summary>
    internal static async Task<NewRecord> OfAsync(InMemoryChangeLog log, DeadLetterId id)
    {
        await foreach (var batch in log.ReadRangeAsync(
            id.Position.TopicPartition, id.Position.Offset, id.Position.Offset + 1, ReadLimits.Default))
        {
            var record = batch.Records[0];
            return new()
            {
                Partition = id.Position.Partition, Timestamp = record.Timestamp, Key = record.Key, Value = record.Value,
                Headers = [.. Redrive.Original(record.Headers), Redrive.HeaderOf(id)],
            };
        }

        throw new InvalidOperationException($"There is no record at {id.Position}.");
    }

    private static async Task RedriveAsync(Random random, InMemoryChangeLog log, TopicPartition partition, long offset)
    {
        var dataset = random.Next(8) == 0 ? "somebody" : partition.Topic == Topologies.Items ? "item" : "person";
        var record = await OfAsync(log, new(dataset, new(partition.Topic, partition.Partition, offset), 0));
        if (random.Next(20) == 0)
            record = record with { Headers = [new(Redrive.Header, "nonsense"u8.ToArray())] };
        for (var copies = random.Next(1, 4); copies > 0; copies--)
            await log.AppendAsync(partition.Topic, [record]);
    }

    private static NewRecord New(Random random, string topic, int partitions, int i)
    {
        var key = topic == Topologies.People ? $"p{random.Next(5)}" : $"k{random.Next(6)}";
        return new()
        {
            Partition = Partitioner.PartitionOf(key, partitions),
            Timestamp = 1_700_000_000_000 + (i * 1_000),
            Key = Encoding.UTF8.GetBytes(key),
            Value = random.Next(12) == 0 ? "{\"kind\":"u8.ToArray()
                : JsonSerializer.SerializeToUtf8Bytes(
                    new Put(Kinds[random.Next(Kinds.Length)], random.Next(40)), JsonSerializerOptions.Web),
        };
    }
}
