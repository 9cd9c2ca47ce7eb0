using ActorStreams.Benchmarks.Inputs;

namespace ActorStreams.Benchmarks.Silo;

/// <summary>
/// The whole silo on the embedded log and store: (c) an entity, (d) an entity and one re-keyed view. All records are in the log and the
/// silo is up when the clock starts; it stops when every partition has folded to the end and written its last checkpoint.
/// </summary>
/// <remarks>The plain loop runs on one thread, the partitions on all cores.</remarks>
internal static class SiloBenchmark
{
    private const int WarmUps = 1;

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        var input = GeneratedInput.Create(options.Records);
        using var directory = new TemporaryDirectory();
        var entity = new SiloRun(input, withView: false, options.Partitions, new EmbeddedParts(directory), directory);
        var withView = new SiloRun(input, withView: true, options.Partitions, new EmbeddedParts(directory), directory);
        await entity.FillAsync();
        await withView.FillAsync();
        List<Variant> variants =
        [
            new("a", "plain loop", () => Task.FromResult(input.PlainLoop())),
            new("c", "entity", entity.RunAsync) { Prepare = entity.PrepareAsync },
            new("d", "entity and one re-keyed view", withView.RunAsync) { Prepare = withView.PrepareAsync },
        ];
        variants.RemoveAll(variant => options.Only is not null && variant.Letter != options.Only);
        await Measuring.RunAsync(variants, WarmUps, options.Rounds);
        foreach (var run in new[] { entity, withView })
        {
            if (run.Stages.Any)
                await run.CheckAsync();
            await run.CloseAsync();
        }

        Console.WriteLine(
            $"{input.Records.Length:N0} records, {options.Partitions} partitions a dataset, {variants[0].States:N0} states at the end, "
            + $"{options.Rounds} rounds.\n");
        Measuring.Print(variants, input.Records.Length);
        foreach (var (letter, run) in new[] { ("c", entity), ("d", withView) })
        {
            if (run.Stages.Any)
                run.Stages.Print(letter, WarmUps + options.Rounds, input.Records.Length);
        }

        return 0;
    }
}

/// <summary>A directory that goes away with its owner.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("actorstreams-benchmarks-");

    public string NewFile(string name) => Path.Combine(_directory.FullName, $"{Guid.NewGuid():N}-{name}");

    public void Dispose() => _directory.Delete(recursive: true);
}
