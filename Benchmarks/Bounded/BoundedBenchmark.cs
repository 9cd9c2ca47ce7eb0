using System.Diagnostics;
using System.Text;
using System.Text.Json;
using ActorStreams.Benchmarks.Kafka;
using ActorStreams.Benchmarks.Lean;
using ActorStreams.Benchmarks.Silo;
using ActorStreams.Client;
using ActorStreams.Client.Calls;
using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using ActorStreams.MockKafka;
using ActorStreams.Protocol;

namespace ActorStreams.Benchmarks.Bounded;

/// <summary>
/// What one bad partition does to a silo and to the others, on Kafka with brokers in a process of their own: first nothing is behind; then
/// partition 0 begins millions of records behind; then its folds are ten times slower than its log grows. Each time a steady load goes to
/// the other partitions, and readers of their own writes are timed, over HTTP.
/// </summary>
internal static class BoundedBenchmark
{
    /// <summary>The silo's own command: this program, as a silo with the definitions of this benchmark.</summary>
    public const string SiloCommand = "bounded-silo";

    private const string Topic = "parcels";
    private const string DepotInput = "actorstreams.depot.b1.input";
    private const int Parcels = 100_000;
    private const int Depots = 1_000;
    private const int FillRecords = 10_000;
    private const int TickMilliseconds = 10;
    private const int SlowRecordsPerSecond = 10_000;
    private const int SlowFoldMilliseconds = 1;
    private const double WarmUpSeconds = 30; // the runtime compiles what is hot for about so long
    private const double Seconds = 30;
    private const double MiB = 1 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private static readonly string[] Keys = [.. Enumerable.Range(0, Parcels).Select(number => $"parcel-{number:D6}")];

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        using var directory = new TemporaryDirectory();
        await using var kafka = await MockBrokers.StartAsync();
        await kafka.CreateTopicAsync(Topic, options.Partitions);
        await kafka.CreateTopicAsync(DepotInput, options.Partitions);
        await kafka.CreateTopicAsync("actorstreams.dead-letters", 1);
        await using var log = KafkaChangeLog.Open(KafkaParts.Options(kafka));
        var keys = Keys.ToLookup(key => Partitioner.PartitionOf(Encoding.UTF8.GetBytes(key), options.Partitions) == 0);
        var (bad, others) = (keys[true].ToArray(), keys[false].ToArray());
        var data = directory.NewFile("data");
        string[] settings =
        [
            "--Silo:Log", "kafka", "--Kafka:BootstrapServers", kafka.BootstrapServers, "--Kafka:Consumer:fetch.wait.max.ms", "5",
            "--Kafka:ChecksTopicSettings", "false",
            "--Streams:DefaultPartitions", $"{options.Partitions}",
        ];

        Console.WriteLine(
            $"{options.Partitions} partitions; {options.Rate:N0} records/s to all but partition 0; "
            + "latency from append to readable, in ms, over HTTP.\n");
        Console.WriteLine(
            "| | appended p50 | p99 | entity p50 | p99 | view p50 | p99 | peak memory of the silo | records behind at the end |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        await RunAsync("nothing behind", () => Task.Delay(TimeSpan.FromSeconds(Seconds)));

        await FillAsync(log, bad, options.Records, options.Partitions);
        await RunAsync(
            $"partition 0 begins {options.Records:N0} records behind", () => Task.Delay(TimeSpan.FromSeconds(Seconds)),
            untilCaughtUp: true);

        await RunAsync(
            $"folds of partition 0 take {SlowFoldMilliseconds} ms, and {SlowRecordsPerSecond:N0} records/s come",
            () => TrickleAsync(log, bad, options.Partitions));
        return 0;

        async Task RunAsync(string what, Func<Task> meanwhile, bool untilCaughtUp = false)
        {
            using var silo = await SiloChild.StartAsync(data, settings, SiloCommand);
            using var client = new ActorStreamsClient(silo.Url);
            using var stop = new CancellationTokenSource();
            var retaining = RetainAsync(kafka, client, stop.Token);
            var begin = Stopwatch.GetTimestamp();
            await LoadAsync(log, client, others, options, TimeSpan.FromSeconds(WarmUpSeconds));
            var other = meanwhile();
            var (appends, parcels, depots) = await LoadAsync(log, client, others, options, TimeSpan.FromSeconds(Seconds));
            await other;
            var behind = (await client.DatasetsAsync()).Sum(dataset => dataset.Behind?.Records ?? 0);
            Console.WriteLine(
                $"| {what} | {Measuring.Quantile(appends, 0.5):F1} | {Measuring.Quantile(appends, 0.99):F1} | "
                + $"{Measuring.Quantile(parcels, 0.5):F1} | {Measuring.Quantile(parcels, 0.99):F1} | "
                + $"{Measuring.Quantile(depots, 0.5):F1} | {Measuring.Quantile(depots, 0.99):F1} | {silo.Peak / MiB:N0} MiB | "
                + $"{behind:N0} |");
            if (untilCaughtUp)
            {
                await silo.WaitUntilAsync("parcel", states: null);
                Console.WriteLine(
                    $"\nIt had caught up {Stopwatch.GetElapsedTime(begin).TotalSeconds:F0} s after it was ready, with a peak of "
                    + $"{silo.Peak / MiB:N0} MiB.\n");
            }

            await stop.CancelAsync();
            await retaining;
            await silo.StopAsync();
        }
    }

    /// <summary>
    /// Retention: what is folded goes, but for partition 0. The mock walks all batches of a partition from the oldest on to find an offset,
    /// so that a log that grows makes its brokers slower and slower.
    /// </summary>
    private static async Task RetainAsync(MockBrokers kafka, ActorStreamsClient client, CancellationToken stop)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            while (await ticks.WaitForNextTickAsync(stop))
            {
                foreach (var (dataset, topic) in new[] { ("parcel", Topic), ("depot", DepotInput) })
                {
                    foreach (var partition in await client.Operations.PartitionsAsync(dataset, stop))
                    {
                        if ((dataset, partition.Partition) != ("parcel", 0))
                            await kafka.DeleteRecordsAsync(topic, partition.Partition, partition.NextOffset);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The row is done.
        }
    }

    /// <summary>This program as a silo.</summary>
    public static Task<int> RunSiloAsync(string[] args) => SiloChild.RunAsync(
        args, topology => topology.AddEntity<Parcel>(parcel => parcel.FromTopic(Topic)).AddView<Depot>());

    private static async Task FillAsync(IChangeLog log, string[] keys, int records, int partitions)
    {
        var random = new Random(1);
        for (var sent = 0; sent < records; sent += FillRecords)
            await log.AppendAsync(Topic, [.. Enumerable.Range(0, FillRecords).Select(_ => RecordOf(random, keys, partitions, 0))]);
    }

    private static async Task TrickleAsync(IChangeLog log, string[] keys, int partitions)
    {
        const int atOnce = SlowRecordsPerSecond / 10;
        var random = new Random(2);
        for (var (begin, sent) = (Stopwatch.GetTimestamp(), 0); Stopwatch.GetElapsedTime(begin).TotalSeconds < Seconds; sent += atOnce)
        {
            await log.AppendAsync(
                Topic, [.. Enumerable.Range(0, atOnce).Select(_ => RecordOf(random, keys, partitions, SlowFoldMilliseconds))]);
            var ahead = ((double)(sent + atOnce) / SlowRecordsPerSecond) - Stopwatch.GetElapsedTime(begin).TotalSeconds;
            if (ahead > 0)
                await Task.Delay(TimeSpan.FromSeconds(ahead));
        }
    }

    private static async Task<(List<double> Appends, List<double> Parcels, List<double> Depots)> LoadAsync(
        IChangeLog log, ActorStreamsClient client, string[] keys, BenchmarkOptions options, TimeSpan time)
    {
        var random = new Random(3);
        var (appends, parcels, depots, asked) = (new List<double>(), new List<double>(), new List<double>(), new List<Task>());
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(TickMilliseconds));
        for (var begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin) < time && await ticks.WaitForNextTickAsync();)
            asked.Add(AskAsync(
                [.. Enumerable.Range(0, options.Rate * TickMilliseconds / 1_000)
                    .Select(_ => RecordOf(random, keys, options.Partitions, 0))]));
        await Task.WhenAll(asked);
        return (appends, parcels, depots);

        async Task AskAsync(List<NewRecord> records)
        {
            var start = Stopwatch.GetTimestamp();
            var atLeast = new ReadOptions { AtLeast = (await log.AppendAsync(Topic, records))[0], TimeoutSeconds = 30 };
            lock (appends)
                appends.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            var depot = JsonSerializer.Deserialize<Scan>(records[0].Value!.Value.Span, Json)!.Depot;
            await Task.WhenAll(
                TimeAsync("parcel", Encoding.UTF8.GetString(records[0].Key!.Value.Span), parcels), TimeAsync("depot", depot, depots));

            async Task TimeAsync(string dataset, string key, List<double> into)
            {
                if (await client.GetAsync<JsonElement>(dataset, key, atLeast) is null)
                    throw new InvalidOperationException($"{dataset}/{key} is not there after {atLeast.AtLeast}.");
                lock (into)
                    into.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
    }

    private static NewRecord RecordOf(Random random, string[] keys, int partitions, int foldMilliseconds)
    {
        var key = Encoding.UTF8.GetBytes(keys[random.Next(keys.Length)]);
        var scan = new Scan($"depot-{random.Next(Depots):D4}", foldMilliseconds, "scanned at the conveyor, undamaged, as declared");
        return new()
        {
            Partition = Partitioner.PartitionOf(key, partitions), Timestamp = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), Key = key,
            Value = JsonSerializer.SerializeToUtf8Bytes(scan, Json),
        };
    }
}
