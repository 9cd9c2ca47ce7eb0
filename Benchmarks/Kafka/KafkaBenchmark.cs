using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Log;
using ActorStreams.Tests.Kafka;
using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using ClientPartition = Confluent.Kafka.TopicPartitionOffset;

namespace ActorStreams.Benchmarks;

/// <summary>
/// The silo on Kafka, with brokers in a process of their own: (a) a plain loop of Kafka's client that decodes and folds into a dictionary, (b) our silo with the entity, (c) with one re-keyed
/// view through Kafka, (d) as c with checkpoints in PostgreSQL. Then the latency from append to readable state at a tenth of c's rate.
/// </summary>
internal static class KafkaBenchmark
{
    private const int WarmUps = 1;

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        var input = GeneratedInput.Create(options.Records);
        using var directory = new TemporaryDirectory();
        await using var kafka = await MockKafka.StartAsync();
        var entity = input.Topology(withView: false, options.Partitions).Datasets[0];
        SiloRun Run(string letter, bool withView, string? postgres) => new(input, withView, options.Partitions, new KafkaParts(kafka, letter, postgres, directory), directory);
        var runs = new Dictionary<string, SiloRun> { ["b"] = Run("b", false, null), ["c"] = Run("c", true, null) };
        if (options.Postgres is not null)
            runs["d"] = Run("d", true, options.Postgres);
        await runs["b"].FillAsync();
        List<Variant> variants =
        [
            new("a", "plain Kafka loop", () => Task.FromResult(PlainLoop(kafka, entity, options.Records))),
            .. runs.Select(run => new Variant(run.Key, run.Key switch { "b" => "entity", "c" => "and one re-keyed view", _ => "with PostgreSQL" }, run.Value.RunAsync) { Prepare = run.Value.PrepareAsync }),
        ];
        variants.RemoveAll(variant => options.Only is not null && variant.Letter != options.Only);
        await Measuring.RunAsync(variants, WarmUps, options.Rounds);
        foreach (var run in runs.Values.Where(run => run.Stages.Any))
            await run.CheckAsync();
        Console.WriteLine($"{input.Records.Length:N0} records, {options.Partitions} partitions a dataset, {variants[0].States:N0} states at the end, {options.Rounds} rounds.\n");
        Measuring.Print(variants, input.Records.Length);
        if (variants.Find(variant => variant.Letter == "c") is { Samples.Count: > 0 } c)
            await LatencyAsync(runs["c"], input, entity, options.Records / Measuring.Median(c.Samples.Select(sample => sample.Seconds)) / 10);
        foreach (var run in runs.Values)
            await run.CloseAsync();
        return 0;
    }

    /// <summary>What anybody would write: consume, decode, fold.</summary>
    private static int PlainLoop(MockKafka kafka, Dataset entity, int records)
    {
        var topology = new TopologyBuilder();
        topology.AddEntity<Account>().Build();
        var json = (JsonTypeInfo<Movement>)topology.Json.GetTypeInfo(typeof(Movement));
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = kafka.BootstrapServers, GroupId = "plain", EnableAutoCommit = false, FetchWaitMaxMs = 5 })
            .SetLogHandler((_, _) => { }).Build();
        consumer.Assign(Enumerable.Range(0, entity.Partitions).Select(partition => new ClientPartition(entity.Topic, partition, Offset.Beginning)));
        var states = new Dictionary<string, Account>();
        for (var read = 0; read < records;)
        {
            if (consumer.Consume(1_000) is not { } result)
                continue;
            read++;
            var key = Encoding.UTF8.GetString(result.Message.Key);
            ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(states, key, out _);
            state = Account.Apply(state, new() { Key = key, Value = JsonSerializer.Deserialize(result.Message.Value, json)!, Time = result.Message.Timestamp.UtcDateTime });
        }

        consumer.Close();
        return states.Count;
    }

    /// <summary>Appends at a steady rate, and asks for some of the states as a reader of his own write does.</summary>
    private static async Task LatencyAsync(SiloRun run, Input input, Dataset entity, double recordsPerSecond)
    {
        const int tickMilliseconds = 5;
        const double seconds = 15;
        const double warmUpSeconds = 3;
        await run.PrepareAsync();
        run.Open();
        var (log, reader, topology) = (run.Services.GetRequiredService<IChangeLog>(), run.Services.GetRequiredService<DatasetReader>(), run.Services.GetRequiredService<Topology>());
        var view = topology.Datasets[1];
        await run.CaughtUpAsync();
        var (accounts, owners, asked) = (new List<double>(), new List<double>(), new List<Task>());
        var (begin, sent) = (Stopwatch.GetTimestamp(), 0);
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds is var now && now < seconds)
        {
            var records = input.Records.Skip(sent % (input.Records.Length - 10_000)).Take((int)((now * recordsPerSecond) - sent)).Select(record => SiloParts.NewRecordOf(record, entity)).ToList();
            sent += records.Count;
            if (records.Count > 0)
                asked.Add(AskAsync(records, keep: now > warmUpSeconds));
            await Task.Delay(tickMilliseconds);
        }

        await Task.WhenAll(asked);
        Console.WriteLine($"Latency from append to readable state at {recordsPerSecond:N0} records/s, in ms: entity p50 {Measuring.Quantile(accounts, 0.5):F1}, p99 {Measuring.Quantile(accounts, 0.99):F1}; view p50 {Measuring.Quantile(owners, 0.5):F1}, p99 {Measuring.Quantile(owners, 0.99):F1} ({accounts.Count:N0} samples)");

        async Task AskAsync(List<NewRecord> records, bool keep)
        {
            var start = Stopwatch.GetTimestamp();
            var position = (await log.AppendAsync(entity.Topic, records))[0];
            var request = new ReadRequest(PositionReply.From(position), 30);
            var owner = JsonSerializer.Deserialize<Movement>(records[0].Value!.Value.Span, topology.Datasets[0].Json)!.Owner;
            await Task.WhenAll(TimeAsync(topology.Datasets[0], Encoding.UTF8.GetString(records[0].Key!.Value.Span), accounts), TimeAsync(view, owner, owners));

            async Task TimeAsync(Dataset dataset, string key, List<double> into)
            {
                var reply = await reader.ReadAsync(dataset, key, request, CancellationToken.None);
                var took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (!reply.Reached)
                    throw new InvalidOperationException($"{dataset} did not reach {position} in time.");
                lock (into)
                {
                    if (keep)
                        into.Add(took);
                }
            }
        }
    }
}
