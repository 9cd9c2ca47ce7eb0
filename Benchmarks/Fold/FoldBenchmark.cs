using ActorStreams.Benchmarks.Inputs;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;

namespace ActorStreams.Benchmarks.Fold;

/// <summary>
/// The fold alone, with no log, store or silo: (a) the plain loop, (b) an entity's partition, (b+) with one re-keyed view.
/// </summary>
internal static class FoldBenchmark
{
    private const int WarmUps = 2;

    public static async Task<int> RunAsync(BenchmarkOptions options)
    {
        if (options.Git is not null)
            await RunAsync(GitInput.Read(options.Git), options);
        await RunAsync(GeneratedInput.Create(options.Records), options);
        return 0;
    }

    private static async Task RunAsync(Input input, BenchmarkOptions options)
    {
        var alone = new FoldRun(input, withView: false);
        var withView = new FoldRun(input, withView: true);
        List<Variant> variants =
        [
            new("a", "plain loop", () => Task.FromResult(input.PlainLoop())),
            new("b", "partition fold", alone.RunAsync),
            new("b+", "partition fold and one re-keyed view", withView.RunAsync),
        ];
        variants.RemoveAll(variant => options.Only is not null && variant.Letter != options.Only);
        await Measuring.RunAsync(variants, WarmUps, options.Rounds);
        if (variants.Any(variant => variant.States != variants[0].States))
            throw new InvalidOperationException(
                $"The variants disagree: {string.Join(", ", variants.Select(v => $"{v.Letter} has {v.States} states"))}.");
        Console.WriteLine(
            $"Input {input.Name}: {input.Records.Length:N0} records of "
            + $"{input.Records.Average(record => record.Value!.Value.Length):F0} bytes, {variants[0].States:N0} states at the end, "
            + $"{options.Rounds} rounds.\n");
        Measuring.Print(variants, input.Records.Length);
    }
}

/// <summary>Folds all records of an input in one partition, from nothing.</summary>
internal sealed class FoldRun
{
    private readonly Definitions.Topology _topology;
    private readonly List<RecordBatch> _batches;
    private PartitionFold? _last;

    public FoldRun(Input input, bool withView)
    {
        _topology = input.Topology(withView);
        _batches = input.Batches(_topology.Datasets[0].Topic);
    }

    /// <summary>The states of the last dataset after the last run, by key: what every other way to fold the input must come to.</summary>
    public Dictionary<string, byte[]> Result() => _last!.All().ToDictionary(row => row.Key, row => row.State!);

    public async Task<int> RunAsync()
    {
        var entity = _topology.Datasets[0].CreateFold(0, FoldOptions.InMemory);
        var view = _topology.Datasets.Count > 1 ? _topology.Datasets[1].CreateFold(0, FoldOptions.InMemory) : null;
        foreach (var batch in _batches)
        {
            var output = Checked(await entity.FoldAsync(batch, store: null));
            foreach (var frame in output.Frames)
                Checked(await view!.FoldAsync(BatchOf(view!, frame), store: null));
        }

        _last = view ?? entity;
        return (int)entity.States;
    }

    private static RecordBatch BatchOf(PartitionFold view, in Frame frame) => new()
    {
        Partition = new(view.Dataset.Topic, 0),
        Records = [new() { Offset = view.NextOffset, Timestamp = frame.Timestamp, Value = frame.Bytes }],
        NextOffset = view.NextOffset + 1,
        EndOffset = view.NextOffset + 1,
    };

    private static FoldOutput Checked(FoldOutput output) => output.DeadLetters.Count == 0
        ? output
        : throw new InvalidOperationException($"A record could not be folded: {output.DeadLetters[0].Reason}");
}
