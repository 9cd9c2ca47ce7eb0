using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Grains.Partitions;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace ActorStreams.Benchmarks;

/// <summary>Folds an input from the embedded log into the embedded store, with all partitions of all datasets side by side.</summary>
internal sealed class SiloRun(Input input, bool withView, int partitions, TemporaryDirectory directory)
{
    private const int AppendRecords = 10_000;

    private readonly Topology _topology = input.Topology(withView, partitions);
    private readonly string _filled = directory.NewFile("filled.log");
    private SqliteChangeLog? _log;
    private SqliteStateStore? _store;
    private ServiceProvider? _services;

    public Stages Stages { get; } = new();

    /// <summary>Writes the log that every round begins with a copy of.</summary>
    public async Task FillAsync()
    {
        await using var log = SqliteChangeLog.Open(new() { Path = _filled });
        var entity = _topology.Datasets[0];
        await log.CreateTopicAsync(entity.Topic, entity.Partitions);
        foreach (var chunk in input.Records.Chunk(AppendRecords))
        {
            await log.AppendAsync(entity.Topic, [.. chunk.Select(record => new NewRecord
            {
                Partition = Partitioner.PartitionOf(record.Key!.Value.Span, entity.Partitions),
                Timestamp = record.Timestamp,
                Key = record.Key,
                Value = record.Value,
            })]);
        }
    }

    /// <summary>A fresh store, and a log that holds the input alone.</summary>
    public async Task PrepareAsync()
    {
        await CloseAsync();
        var file = directory.NewFile("log");
        File.Copy(_filled, file);
        _log = SqliteChangeLog.Open(new() { Path = file });
        _store = SqliteStateStore.Open(new() { Path = directory.NewFile("states") });
        _services = new ServiceCollection()
            .AddMetrics().AddLogging().AddOptions()
            .AddSingleton(_topology)
            .AddSingleton<IChangeLog>(new TimedLog(_log, Stages))
            .AddSingleton<IStateStore>(new TimedStore(_store, Stages))
            .AddStreamGrains()
            .BuildServiceProvider();
        await _services.GetRequiredService<TopicSetup>().RunAsync(default);
    }

    public async Task<int> RunAsync()
    {
        var services = _services!.GetRequiredService<PartitionServices>();
        using var folds = Stages.Listen();
        List<PartitionRunner> runners =
        [
            .. from dataset in _topology.Datasets
               from partition in Enumerable.Range(0, dataset.Partitions)
               select new PartitionRunner(services, dataset, partition),
        ];
        runners.ForEach(runner => runner.Start());

        // Sources come before their views: when they have routed all they have, the ends of the views' inputs stand still.
        foreach (var runner in runners)
            await FoldedToEndAsync(runner);
        await Task.WhenAll(runners.Select(runner => runner.DisposeAsync().AsTask()));
        return (int)runners.Where(runner => runner.Dataset == _topology.Datasets[0]).Sum(runner => runner.Session!.Fold.States);
    }

    /// <summary>Throws unless the store holds, after a run, what a fold in memory comes to.</summary>
    public async Task CheckAsync()
    {
        var alone = new FoldRun(input, withView);
        await alone.RunAsync();
        var expected = alone.Result();
        var last = _topology.Datasets[^1];
        var found = new List<StoredState>();
        for (var partition = 0; partition < last.Partitions; partition++)
            found.AddRange(await _store!.ScanAsync(new(last.Name, last.Version, partition), "", null, int.MaxValue));
        if (found.Count != expected.Count || !found.TrueForAll(state => expected.TryGetValue(state.Key, out var json) && state.State.Span.SequenceEqual(json)))
            throw new InvalidOperationException($"The store has {found.Count} states of {last}, which are not the {expected.Count} that a fold in memory gives.");
    }

    public async Task CloseAsync()
    {
        if (_services is null)
            return;
        await _services.DisposeAsync();
        await _log!.DisposeAsync();
        await _store!.DisposeAsync();
    }

    private static async Task FoldedToEndAsync(PartitionRunner runner)
    {
        while (true)
        {
            var advanced = runner.Advanced.Next;
            if (runner.Session?.Routed >= runner.EndOffset)
                return;
            if (runner.Status == PartitionRunner.RunnerStatus.Waiting)
                throw new InvalidOperationException($"{runner.Input} failed: {runner.Reason}");
            await advanced;
        }
    }
}
