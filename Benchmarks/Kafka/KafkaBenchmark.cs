using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Benchmarks.Inputs;
using ActorStreams.Benchmarks.Silo;
using ActorStreams.Definitions;
using ActorStreams.MockKafka;
using Confluent.Kafka;

using ClientPartition = Confluent.Kafka.TopicPartitionOffset;

namespace ActorStreams.Benchmarks.Kafka;

/// <summary>
/// The silo on Kafka, with brokers in a process of their own: (a) a plain loop of Kafka's client that decodes and folds into a dictionary,
/// (b) our silo with the entity, (c) with one re-keyed view through Kafka, (d) as c with checkpoints in PostgreSQL.
/// </summary>
internal static class KafkaBenchmark
{
    private const int WarmUps = 1;

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        var input = GeneratedInput.Create(options.Records);
        using var directory = new TemporaryDirectory();
        await using var kafka = await MockBrokers.StartAsync();
        var entity = input.Topology(withView: false, options.Partitions).Datasets[0];
        SiloRun Run(string letter, bool withView, string? postgres) =>
            new(input, withView, options.Partitions, new KafkaParts(kafka, letter, postgres, directory), directory);
        var runs = new Dictionary<string, SiloRun> { ["b"] = Run("b", false, null), ["c"] = Run("c", true, null) };
        if (options.Postgres is not null)
            runs["d"] = Run("d", true, options.Postgres);
        await runs["b"].FillAsync();
        List<Variant> variants =
        [
            new("a", "plain Kafka loop", () => Task.FromResult(PlainLoop(kafka, entity, options.Records))),
            .. runs.Select(run => new Variant(run.Key, run.Key switch { "b" => "entity",
            "c" => "and one re-keyed view", _ => "with PostgreSQL" }, run.Value.RunAsync) { Prepare = run.Value.PrepareAsync }),
        ];
        variants.RemoveAll(variant => options.Only is not null && variant.Letter != options.Only);
        await Measuring.RunAsync(variants, WarmUps, options.Rounds);
        foreach (var run in runs.Values.Where(run => run.Stages.Any))
            await run.CheckAsync();
        Console.WriteLine(
            $"{input.Records.Length:N0} records, {options.Partitions} partitions a dataset, {variants[0].States:N0} states at the end, "
            + $"{options.Rounds} rounds.\n");
        Measuring.Print(variants, input.Records.Length);
        foreach (var run in runs.Values)
            await run.CloseAsync();
        return 0;
    }

    /// <summary>What anybody would write: consume, decode, fold.</summary>
    private static int PlainLoop(MockBrokers kafka, Dataset entity, int records)
    {
        var topology = new TopologyBuilder();
        topology.AddEntity<Account>().Build();
        var json = (JsonTypeInfo<Movement>)topology.Json.GetTypeInfo(typeof(Movement));
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = kafka.BootstrapServers, GroupId = "plain", EnableAutoCommit = false, FetchWaitMaxMs = 5,
        })
            .SetLogHandler((_, _) => { }).Build();
        consumer.Assign(Enumerable.Range(0, entity.Partitions)
            .Select(partition => new ClientPartition(entity.Topic, partition, Offset.Beginning)));
        var states = new Dictionary<string, Account>();
        for (var read = 0; read < records;)
        {
            if (consumer.Consume(1_000) is not { } result)
                continue;
            read++;
            var key = Encoding.UTF8.GetString(result.Message.Key);
            ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(states, key, out _);
            state = Account.Apply(
                state,
                new() { Key = key, Value = JsonSerializer.Deserialize(
                    result.Message.Value, json)!, Time = result.Message.Timestamp.UtcDateTime });
        }

        consumer.Close();
        return states.Count;
    }
}
