using System.Diagnostics;
using System.Text.Json;
using ActorStreams.Benchmarks.Silo;
using ActorStreams.Client;
using ActorStreams.Client.Calls;

namespace ActorStreams.Benchmarks.Lean;

/// <summary>
/// Memory and start-up of a silo process with very many entities of about 100 bytes of state (the shop's orders, with their view): with the
/// table bounded at 100,000 states of a dataset while it loads, how soon it answers after a restart, and with no bound.
/// </summary>
internal static class LeanBenchmark
{
    private const int Chunk = 20_000;
    private const int Customers = 10_000;
    private const double MiB = 1 << 20;

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        using var directory = new TemporaryDirectory();
        var data = directory.NewFile("data");
        long idle;
        using (var bounded = await SiloChild.StartAsync(data, ["--Streams:TableEntries", "100000"]))
        {
            idle = bounded.Resident;
            var begin = Stopwatch.GetTimestamp();
            await LoadAsync(bounded.Url, options.Records);
            await bounded.WaitUntilAsync("order", options.Records);
            Console.WriteLine(
                $"bounded at 100,000 states: {options.Records:N0} orders loaded and folded in "
                + $"{Stopwatch.GetElapsedTime(begin).TotalSeconds:F0} s, peak {bounded.Peak / MiB:N0} MiB (idle {idle / MiB:N0} MiB)");
            await bounded.StopAsync();
        }

        using (var restarted = await SiloChild.StartAsync(data, ["--Streams:TableEntries", "100000"]))
        {
            var begin = Stopwatch.GetTimestamp();
            using var client = new ActorStreamsClient(restarted.Url);
            var state = await client.GetAsync<JsonElement>("order", Key(options.Records / 2));
            Console.WriteLine(
                $"restarted with {options.Records:N0} stored states: ready after {restarted.ReadyAfter.TotalSeconds:F2} s, "
                + $"first state {(state is null ? "MISSING" : "read")} {Stopwatch.GetElapsedTime(begin).TotalSeconds:F2} s later, "
                + $"{restarted.Resident / MiB:N0} MiB");
            await restarted.StopAsync();
        }

        using var unbounded = await SiloChild.StartAsync(data, ["--Streams:TableEntries", "0", "--rebuild"]);
        await unbounded.WaitUntilAsync("order", options.Records);
        Console.WriteLine(
            $"no bound: {unbounded.Resident / MiB:N0} MiB with all states in memory, "
            + $"{(unbounded.Resident - idle) / options.Records:N0} bytes a key beyond the {idle / MiB:N0} MiB of an idle silo");
        await unbounded.StopAsync();
        return 0;
    }

    private static async Task LoadAsync(Uri url, int records)
    {
        using var client = new ActorStreamsClient(url);
        foreach (var chunk in Enumerable.Range(0, records).Chunk(Chunk))
            await client.AppendAsync("shop.orders", chunk.Select(Order));
    }

    private static AppendRecord Order(int number) => new()
    {
        Key = Key(number),
        Value = new
        {
            type = "placed", customer = $"customer-{number % Customers:D5}-with-a-long-name-so-that-the-state-has-a-hundred-bytes",
            total = number % 1_000 / 10m,
        },
    };

    private static string Key(int number) => $"order-{number:D8}";
}
