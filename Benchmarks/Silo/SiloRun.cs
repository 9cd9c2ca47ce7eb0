using ActorStreams.Benchmarks.Fold;
using ActorStreams.Benchmarks.Inputs;
using ActorStreams.Definitions;
using ActorStreams.Grains.Partitions;
using ActorStreams.Hosting;
using ActorStreams.Log;
using ActorStreams.Partitions.Running;
using ActorStreams.States;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Benchmarks.Silo;

/// <summary>
/// A whole silo, with Orleans, HTTP and dashboard: folds an input that is in its log already. Reading is held back until the silo is up.
/// </summary>
internal sealed class SiloRun(Input input, bool withView, int partitions, SiloParts parts, TemporaryDirectory directory)
{
    private const int PollMilliseconds = 10;

    private readonly Topology _topology = input.Topology(withView, partitions);
    private IStateStore? _store;
    private WebApplication? _silo;
    private TimedLog? _timed;

    public Stages Stages { get; } = new();

    /// <summary>The silo that is up.</summary>
    public IServiceProvider Services => _silo!.Services;

    /// <summary>Lets partitions read.</summary>
    public void Open() => _timed!.Open();

    /// <summary>Writes the log that every round begins with.</summary>
    public Task FillAsync() => parts.FillAsync(input, _topology.Datasets[0]);

    /// <summary>A silo on a fresh store, and a log that holds the input alone.</summary>
    public async Task PrepareAsync()
    {
        await CloseAsync();
        (var log, _store) = await parts.OpenAsync(_topology);
        _timed = new(log, Stages);
        var builder = WebApplication.CreateBuilder(["--Silo:DataDirectory", directory.NewFile("unused")]);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.AddActorStreams(topology =>
        {
            (topology.Application, topology.DefaultPartitions) = (parts.Application, partitions);
            input.AddTo(topology, withView);
        });
        builder.Services.AddSingleton<IChangeLog>(_timed).AddSingleton<IStateStore>(new TimedStore(_store, Stages));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _silo = builder.Build();
        _silo.MapActorStreams();
        await _silo.StartAsync();
        var directoryOfPartitions = _silo.Services.GetRequiredService<PartitionDirectory>();
        while (directoryOfPartitions.All.Count(partition => partition.Session is not null) < _topology.Datasets
            .Sum(dataset => dataset.Partitions))
            await Task.Delay(PollMilliseconds);
    }

    public async Task<int> RunAsync()
    {
        using var folds = Stages.Listen();
        var runners = _silo!.Services.GetRequiredService<PartitionDirectory>().All.ToList();
        _timed!.Open();
        await CaughtUpAsync();
        await Task.WhenAll(runners.Select(runner => runner.DisposeAsync().AsTask()));
        return (int)runners.Where(runner => runner.Dataset.Name == _topology.Datasets[0].Name).Sum(runner => runner.Session!.Fold.States);
    }

    /// <summary>Waits until every partition has folded all that there is.</summary>
    public async Task CaughtUpAsync()
    {
        var runners = _silo!.Services.GetRequiredService<PartitionDirectory>().All.ToList();

        // Sources come before their views: when they have routed all they have, the ends of the views' inputs stand still.
        foreach (var dataset in _silo!.Services.GetRequiredService<Topology>().Datasets)
        {
            var ends = await _timed!.OffsetsAsync(dataset.Topic);
            foreach (var runner in runners.Where(runner => runner.Dataset == dataset))
                await FoldedToAsync(runner, ends[runner.Partition].End);
        }
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
            found.AddRange(await _store!.ScanAsync(new(last.Name, last.Build, partition), "", null, int.MaxValue));
        if (found.Count != expected.Count
            || !found.TrueForAll(state => expected.TryGetValue(state.Key, out var json) && state.State.Span.SequenceEqual(json)))
            throw new InvalidOperationException(
                $"The store has {found.Count} states of {last}, which are not the {expected.Count} that a fold in memory gives.");
    }

    public async Task CloseAsync()
    {
        if (_silo is null)
            return;
        await _silo.StopAsync();
        await _silo.DisposeAsync();
        await parts.CloseAsync();
        _silo = null;
    }

    private static async Task FoldedToAsync(PartitionRunner runner, long end)
    {
        while (true)
        {
            var advanced = runner.Advanced.Next;
            if (runner.Session?.Routed >= end)
                return;
            if (runner.Status == RunnerStatus.Waiting)
                throw new InvalidOperationException($"{runner.Input} failed: {runner.Reason}");
            await advanced;
        }
    }
}
