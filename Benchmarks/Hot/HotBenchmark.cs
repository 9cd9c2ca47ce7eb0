using System.Diagnostics;
using System.Text.Json;
using ActorStreams.Benchmarks.Lean;
using ActorStreams.Benchmarks.Silo;
using ActorStreams.Client;
using ActorStreams.Client.Calls;
using ActorStreams.Definitions;

namespace ActorStreams.Benchmarks.Hot;

/// <summary>
/// Memory of a silo and the time of reads while inputs come that a state, a table or a batch could grow with: hot keys of a distinct count
/// and of a ranking, many small rankings, states that are large, records that are small. They come at a given rate. Each input has a silo
/// and data of its own.
/// </summary>
internal static class HotBenchmark
{
    /// <summary>The silo's own command: this program, as a silo with one of the views.</summary>
    public const string SiloCommand = "hot-silo";

    private const string Topic = "visits";
    private const int Chunk = 1_000;
    private const int ChunkBytes = 4 << 20;
    private const double MiB = 1 << 20;
    private static readonly TimeSpan ReadEvery = TimeSpan.FromMilliseconds(10);

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        var n = options.Records;
        var text = new string('x', 40_000);
        (string What, string View, int Records, Func<Random, int, (string Key, Visited Value)> Next)[] inputs =
        [
            ("a distinct count of one page: each record another visitor", "audience", n / 3,
                (_, i) => ($"v{i}", new("home", i, 0, ""))),
            ("a ranking of one page: 100,000 visits, changed at random", "best", n / 2,
                (random, i) => ($"v{(i < 100_000 ? i : random.Next(100_000))}", new("home", 0, random.Next(), ""))),
            ("100,000 rankings of few visits, changed at random", "best", n / 2,
                (random, i) => ($"v{(i < 200_000 ? i : random.Next(200_000))}", new($"page{i % 100_000}", 0, random.Next(), ""))),
            ("states of 40 KB, 10,000 of them, changed at random", "", n / 50,
                (random, i) => ($"v{(i < 10_000 ? i : random.Next(10_000))}", new("home", i, 0, text))),
            ("small records that compress to next to nothing, on 1,000 keys", "audience", n,
                (_, i) => ($"{i % 1_000}", new("", 0, 0, ""))),
        ];
        Console.WriteLine("| input | records | a second | peak memory | reads | p50 | p99 | longest |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|");
        for (var i = 0; i < inputs.Length; i++)
        {
            if (options.Only is null || options.Only == $"{(char)('a' + i)}")
                await RunAsync(inputs[i].What, inputs[i].View, inputs[i].Records, options, inputs[i].Next);
        }

        return 0;
    }

    /// <summary>This program as a silo.</summary>
    public static Task<int> RunSiloAsync(string[] args) => SiloChild.RunAsync(args[1..], topology =>
    {
        topology.AddEntity<Visit>(visit => visit.FromTopic(Topic));
        _ = args[0] switch
        {
            "audience" => topology.AddView<Audience>(),
            "best" => topology.AddView<Best>(),
            _ => topology,
        };
    });

    private static async Task RunAsync(
        string what, string view, int records, BenchmarkOptions options, Func<Random, int, (string Key, Visited Value)> next)
    {
        using var directory = new TemporaryDirectory();
        using var silo = await SiloChild.StartAsync(
            directory.NewFile("data"), ["--Streams:DefaultPartitions", $"{options.Partitions}"], SiloCommand,
            view.Length == 0 ? "none" : view);
        using var client = new ActorStreamsClient(silo.Url);
        var (random, sent, begin) = (new Random(1), 0, Stopwatch.GetTimestamp());
        using var stop = new CancellationTokenSource();
        var reading = ReadAsync(client, view, () => sent, next, stop.Token);
        while (sent < records)
        {
            var chunk = new List<AppendRecord>();
            for (var bytes = 0; bytes < ChunkBytes && chunk.Count < Chunk && sent + chunk.Count < records;)
            {
                var (key, value) = next(random, sent + chunk.Count);
                chunk.Add(new() { Key = key, Value = value });
                bytes += value.Text.Length;
            }

            await client.AppendAsync(Topic, chunk);
            sent += chunk.Count;
            var ahead = ((double)sent / options.Rate) - Stopwatch.GetElapsedTime(begin).TotalSeconds;
            if (ahead > 0)
                await Task.Delay(TimeSpan.FromSeconds(ahead));
        }

        await silo.WaitUntilAsync("visit", states: null);
        var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        await stop.CancelAsync();
        var reads = await reading;
        Console.WriteLine(
            $"| {what} | {records:N0} | {records / seconds:N0} | {silo.Peak / MiB:N0} MiB | {reads.Count:N0} | "
            + $"{Measuring.Quantile(reads, 0.5):F1} ms | {Measuring.Quantile(reads, 0.99):F1} ms | {reads.Max():F0} ms |");
        await silo.StopAsync();
    }

    /// <summary>Reads, one after the other, the hot key of the view and some entity that was appended before.</summary>
    private static async Task<List<double>> ReadAsync(
        ActorStreamsClient client, string view, Func<int> sent, Func<Random, int, (string Key, Visited Value)> next, CancellationToken stop)
    {
        var (random, times) = (new Random(2), new List<double>());
        while (!stop.IsCancellationRequested)
        {
            if (sent() > 0)
            {
                var (key, value) = next(random, random.Next(sent()));
                var begin = Stopwatch.GetTimestamp();
                _ = view.Length > 0 && times.Count % 2 == 0
                    ? await client.GetAsync<JsonElement>(view, value.Page, cancellationToken: CancellationToken.None)
                    : await client.GetAsync<JsonElement>("visit", key, cancellationToken: CancellationToken.None);
                times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }

            await Task.Delay(ReadEvery, CancellationToken.None);
        }

        return times;
    }
}
