using System.Diagnostics;

namespace ActorStreams.Benchmarks;

/// <summary>One timed run of one variant.</summary>
/// <param name="Seconds">How long it took.</param>
/// <param name="CpuSeconds">Processor time of all threads: what other programs on the machine disturb least.</param>
/// <param name="Bytes">Bytes allocated by all threads.</param>
/// <param name="GcSeconds">How long the runtime stood still for garbage collections.</param>
internal readonly record struct Sample(double Seconds, double CpuSeconds, long Bytes, double GcSeconds);

/// <summary>A variant, by the letter the results call it.</summary>
internal sealed record Variant(string Letter, string What, Func<Task<int>> Run)
{
    public List<Sample> Samples { get; } = [];

    /// <summary>What must be there before a run, and is not measured.</summary>
    public Func<Task> Prepare { get; init; } = () => Task.CompletedTask;

    /// <summary>States at the end of the last run: what the variants must agree on.</summary>
    public int States { get; private set; }

    public async Task MeasureAsync(bool keep)
    {
        await Prepare();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        var (bytes, paused, cpu, begin) =
            (GC.GetTotalAllocatedBytes(true), GC.GetTotalPauseDuration(), Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        States = await Run();
        var sample = new Sample(
            Stopwatch.GetElapsedTime(begin).TotalSeconds,
            (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
            GC.GetTotalAllocatedBytes(true) - bytes,
            (GC.GetTotalPauseDuration() - paused).TotalSeconds);
        if (keep)
            Samples.Add(sample);
    }
}

/// <summary>
/// Measures variants side by side: one round runs each of them once, so that a noisy moment meets all; medians of rounds are compared.
/// </summary>
internal static class Measuring
{
    public static async Task RunAsync(IReadOnlyList<Variant> variants, int warmUps, int rounds)
    {
        for (var round = -warmUps; round < rounds; round++)
        {
            foreach (var variant in variants)
                await variant.MeasureAsync(keep: round >= 0);
        }
    }

    /// <summary>A Markdown table: rates, the ratio to the first variant round by round, and allocation.</summary>
    public static void Print(IReadOnlyList<Variant> variants, int records)
    {
        Console.WriteLine(
            "| | | records/s | ratio to a | worst and best round | CPU ns a record | CPU, times a | bytes allocated a record | GC pauses "
            + "|");
        Console.WriteLine("|---|---|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var variant in variants)
        {
            var ratios = variants[0].Samples.Zip(variant.Samples, (a, b) => a.Seconds / b.Seconds).ToList();
            var seconds = Median(variant.Samples.Select(sample => sample.Seconds));
            Console.WriteLine(
                $"| {variant.Letter} | {variant.What} | {records / seconds:N0} | {Median(ratios):F2} | {ratios.Min():F2} … "
                + $"{ratios.Max():F2} "
                + $"| {Median(variant.Samples.Select(sample => sample.CpuSeconds)) * 1e9 / records:N0} "
                + $"| {Median(variants[0].Samples.Zip(variant.Samples, (a, b) => b.CpuSeconds / a.CpuSeconds)):F2} "
                + $"| {Median(variant.Samples.Select(sample => (double)sample.Bytes)) / records:N0} "
                + $"| {Median(variant.Samples.Select(sample => sample.GcSeconds)) / seconds:P0} |");
        }

        Console.WriteLine();
    }

    public static double Quantile(List<double> values, double of) => values.Order().ElementAt((int)(values.Count * of));

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
