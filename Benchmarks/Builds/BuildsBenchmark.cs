using System.Diagnostics;
using System.Text;
using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.Benchmarks.Bounded;
using ActorStreams.Benchmarks.Lean;
using ActorStreams.Benchmarks.Silo;
using ActorStreams.Client;
using ActorStreams.Client.Calls;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Protocol;
using ActorStreams.Storage.Sqlite.Log;

namespace ActorStreams.Benchmarks.Builds;

/// <summary>
/// What it costs to add a view to many stored states while a silo serves: how long it takes beside a steady load, what readers of other
/// datasets see of it, also when the silo is killed meanwhile; and how long readers are held when they move to another build and back.
/// </summary>
internal static class BuildsBenchmark
{
    /// <summary>The silo's own command: this program, as a silo with these definitions; "later" adds the view.</summary>
    public const string SiloCommand = "builds-silo";

    private const string Topic = "parcels";
    private const int RecordsOfAKey = 10;
    private const int Depots = 1_000;
    private const int Chunk = 10_000;
    private const int TickMilliseconds = 10;
    private const double BaseSeconds = 30;
    private static readonly TimeSpan KillEvery = TimeSpan.FromSeconds(8);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        using var directory = new TemporaryDirectory();
        var keys = options.Records / RecordsOfAKey;
        string[] settings = ["--Streams:DefaultPartitions", $"{options.Partitions}"];

        var once = directory.NewFile("once");
        await FillAsync(once, keys, keys, options.Partitions);
        var begin = Stopwatch.GetTimestamp();
        using (var silo = await SiloChild.StartAsync(once, settings, SiloCommand, "only"))
        {
            await silo.WaitUntilAsync("parcel", keys);
            await silo.StopAsync();
        }

        var foldedOnce = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        Console.WriteLine($"{keys:N0} parcels folded once into the view, with nothing else to do: {foldedOnce:F0} s");

        var data = directory.NewFile("data");
        await FillAsync(data, options.Records, keys, options.Partitions);
        begin = Stopwatch.GetTimestamp();
        using (var silo = await SiloChild.StartAsync(data, settings, SiloCommand, "before"))
        {
            await silo.WaitUntilAsync("parcel", keys);
            Console.WriteLine($"{options.Records:N0} records folded in {Stopwatch.GetElapsedTime(begin).TotalSeconds:F0} s");
            Console.WriteLine($"\nreads while {options.Rate:N0} records/s come | reads | p50 | p99 | longest\n---|---:|---:|---:|---:");
            var reads = await LoadAsync(() => silo, options, keys, async () => await Task.Delay(TimeSpan.FromSeconds(BaseSeconds)));
            Print("nothing else", reads);
            await silo.StopAsync();
        }

        // What is slow in the first seconds of any silo is not the view's fault.
        using (var silo = await SiloChild.StartAsync(data, settings, SiloCommand, "before"))
        {
            var pause = TimeSpan.FromSeconds(foldedOnce);
            Print("nothing else, from the start on", await LoadAsync(() => silo, options, keys, async () => await Task.Delay(pause)));
            await silo.StopAsync();
        }

        foreach (var kills in new[] { false, true })
        {
            var copy = directory.NewFile(kills ? "killed" : "added");
            await CopyAsync(data, copy);
            await AddViewAsync(copy, settings, options, keys, kills, foldedOnce);
        }

        await MoveAsync(directory, settings, options);
        return 0;
    }

    /// <summary>This program as a silo.</summary>
    public static Task<int> RunSiloAsync(string[] args) => SiloChild.RunAsync(args[1..], topology => Define(topology, args[0]));

    private static void Define(TopologyBuilder topology, string deployment)
    {
        topology.AddEntity<Parcel>(parcel => parcel.FromTopic(Topic));
        if (deployment != "only")
            topology.AddView<Depot>().AddView<Load>();
        if (deployment is "later" or "only")
            topology.AddView<Scanned>();
    }

    private static async Task AddViewAsync(
        string data, string[] settings, BenchmarkOptions options, int keys, bool kills, double foldedOnce)
    {
        var (begin, killed) = (Stopwatch.GetTimestamp(), 0);
        var silo = await SiloChild.StartAsync(data, settings, SiloCommand, "later");
        var reads = await LoadAsync(() => silo, options, keys, async () =>
        {
            for (var next = KillEvery; ; await Task.Delay(100))
            {
                try
                {
                    using var client = new ActorStreamsClient(silo.Url);
                    if ((await client.Builds.ListAsync()).Single(build => build.Dataset == "scanned")
                        is { Progress: 1, Status: BuildStatus.Active or BuildStatus.Ready })
                        return;
                }
                catch (ActorStreamsException)
                {
                    // It is being started.
                }

                if (!kills || Stopwatch.GetElapsedTime(begin) < next)
                    continue;
                (next, killed) = (next + KillEvery, killed + 1);
                silo.Dispose();
                silo = await SiloChild.StartAsync(data, settings, SiloCommand, "later");
            }
        });
        var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        Print(kills ? $"the view is added, and the silo is killed {killed} times" : "the view is added", reads);
        await silo.WaitUntilAsync("parcel", states: null);
        var live = new Dictionary<string, int>();
        using (var client = new ActorStreamsClient(silo.Url))
        {
            await foreach (var state in client.ListAsync<Scanned>("scanned"))
                live[state.Key] = state.State.Parcels;
        }

        await silo.StopAsync();
        silo.Dispose();
        var topology = new TopologyBuilder { DefaultPartitions = options.Partitions };
        Define(topology, "later");
        await using var log = SqliteChangeLog.Open(new() { Path = LogOf(data) });
        var batch = await new BatchRunner(topology.Build(), log).RunAsync();
        var expected = batch.States<Scanned>().ToDictionary(state => state.Key, state => state.Value.Parcels);
        var differences = expected.Keys.Union(live.Keys).Count(key => expected.GetValueOrDefault(key) != live.GetValueOrDefault(key));
        Console.WriteLine(
            $"\nThe view had everything {seconds:F0} s after the start, {seconds / foldedOnce:F2} times folding those states once; "
            + $"{differences} of its {expected.Count} states differ from batch.\n");
    }

    /// <summary>Readers check that nothing is refused and no count goes back while an entity with two levels of views moves.</summary>
    private static async Task MoveAsync(TemporaryDirectory directory, string[] settings, BenchmarkOptions options)
    {
        var data = directory.NewFile("moved");
        var (keys, errors, back, reads) = (10_000, 0, 0, 0);
        await FillAsync(data, 10 * keys, keys, options.Partitions);
        using var silo = await SiloChild.StartAsync(data, [.. settings, "--Streams:Cutover", "ByCommand"], SiloCommand, "before");
        await silo.WaitUntilAsync("parcel", keys);
        using var client = new ActorStreamsClient(silo.Url);
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(i => ReadAsync(i)).ToList();
        var times = new List<(string What, double Milliseconds)>();
        await LoadAsync(() => silo, options, keys, async () =>
        {
            for (var round = 0; round < 5; round++)
            {
                await client.Builds.RebuildAsync("parcel");
                while ((await client.Builds.ListAsync()).Any(one => one.Build == round + 2 && one.Status != BuildStatus.Ready))
                    await Task.Delay(100);
                foreach (var what in new[] { "cutover", "rollback", "cutover" })
                {
                    var begin = Stopwatch.GetTimestamp();
                    if (what == "cutover")
                        await client.Builds.CutoverAsync("parcel");
                    else
                        await client.Builds.RollbackAsync("parcel");
                    times.Add((what, Stopwatch.GetElapsedTime(begin).TotalMilliseconds));
                    await Task.Delay(500);
                }

                await client.Builds.RetireAsync("parcel", round + 1);
            }
        });
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Console.WriteLine("\nmoves of an entity with two levels of views | times | median | longest\n---|---:|---:|---:");
        foreach (var group in times.GroupBy(time => time.What))
        {
            Console.WriteLine(
                $"{group.Key} | {group.Count()} | {Measuring.Quantile([.. group.Select(time => time.Milliseconds)], 0.5):F0} ms | "
                + $"{group.Max(time => time.Milliseconds):F0} ms");
        }

        Console.WriteLine($"\n{reads:N0} reads meanwhile: {errors} errors, {back} steps back");
        await silo.StopAsync();

        async Task ReadAsync(int reader)
        {
            var (random, seen) = (new Random(reader), new Dictionary<string, long>());
            using var own = new ActorStreamsClient(silo.Url);
            while (!stop.IsCancellationRequested)
            {
                var depot = $"depot-{random.Next(10):D4}";
                try
                {
                    // A parcel moves between depots, and its scans with it; those of one that is never moved only grow.
                    var parcel = KeyOf(random.Next(100));
                    var scans = (await own.GetAsync<Parcel>("parcel", parcel))!.State!.Scans;
                    if (scans < seen.GetValueOrDefault(parcel))
                        Interlocked.Increment(ref back);
                    seen[parcel] = scans;
                    var all = (await own.GetAsync<Load>("load", Load.Key))!.State!.Parcels;
                    _ = await own.GetAsync<Depot>("depot", depot);
                    if (all < seen.GetValueOrDefault(Load.Key))
                        Interlocked.Increment(ref back);
                    Interlocked.Add(ref reads, 3);
                }
                catch (ActorStreamsException)
                {
                    Interlocked.Increment(ref errors);
                }

                await Task.Delay(TickMilliseconds);
            }
        }
    }

    /// <summary>A steady load, with a read of some parcel and some depot at every tick, until the other work is done.</summary>
    private static async Task<List<double>> LoadAsync(Func<SiloChild> silo, BenchmarkOptions options, int keys, Func<Task> other)
    {
        var (random, times) = (new Random(3), new List<double>());
        var (working, asked) = (other(), new List<Task>());
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(TickMilliseconds));
        while (!working.IsCompleted && await ticks.WaitForNextTickAsync())
        {
            asked.RemoveAll(task => task.IsCompleted);
            if (asked.Count > 1_000)
                continue;
            var records = Enumerable.Range(0, options.Rate * TickMilliseconds / 1_000).Select(_ => new AppendRecord
            {
                Key = KeyOf(random.Next(keys)), Value = ScanOf(random),
            }).ToList();
            asked.Add(AskAsync(silo().Url, records, KeyOf(random.Next(keys)), $"depot-{random.Next(Depots):D4}"));
        }

        await working;
        await Task.WhenAll(asked);
        return times;

        async Task AskAsync(Uri url, List<AppendRecord> records, string parcel, string depot)
        {
            try
            {
                var client = Clients.GetOrAdd(url, static at => new(at));
                await client.AppendAsync(Topic, records);
                foreach (var (dataset, key) in new[] { ("parcel", parcel), ("depot", depot) })
                {
                    var begin = Stopwatch.GetTimestamp();
                    await client.GetAsync<JsonElement>(dataset, key);
                    lock (times)
                        times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                }
            }
            catch (ActorStreamsException)
            {
                // The silo was killed.
            }
        }
    }

    private static System.Collections.Concurrent.ConcurrentDictionary<Uri, ActorStreamsClient> Clients { get; } = new();

    private static void Print(string what, List<double> reads) => Console.WriteLine(
        $"{what} | {reads.Count:N0} | {Measuring.Quantile(reads, 0.5):F1} ms | {Measuring.Quantile(reads, 0.99):F1} ms | "
        + $"{reads.Max():F0} ms");

    private static string KeyOf(int number) => $"parcel-{number:D7}";

    private static Scan ScanOf(Random random) => new($"depot-{random.Next(Depots):D4}", 0, "");

    private static string LogOf(string data) => Path.Combine(data, "log.db");

    private static async Task FillAsync(string data, int records, int keys, int partitions)
    {
        Directory.CreateDirectory(data);
        var random = new Random(1);
        await using var log = SqliteChangeLog.Open(new() { Path = LogOf(data) });
        await log.CreateTopicAsync(Topic, partitions);
        for (var sent = 0; sent < records; sent += Chunk)
        {
            await log.AppendAsync(Topic, [.. Enumerable.Range(sent, Math.Min(Chunk, records - sent)).Select(i =>
            {
                var key = Encoding.UTF8.GetBytes(KeyOf(i % keys));
                return new NewRecord
                {
                    Partition = Partitioner.PartitionOf(key, partitions), Timestamp = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
                    Key = key, Value = JsonSerializer.SerializeToUtf8Bytes(ScanOf(random), Json),
                };
            })]);
        }
    }

    private static async Task CopyAsync(string from, string to)
    {
        using var copy = Process.Start("cp", ["-r", from, to]);
        await copy.WaitForExitAsync();
    }
}
