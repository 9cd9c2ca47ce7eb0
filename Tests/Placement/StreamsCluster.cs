using Microsoft.Extensions.Logging.Abstractions;
using ActorStreams.Grains.Builds;
using ActorStreams.Partitions.Running;
using ActorStreams.Grains.Setup;
using ActorStreams.Partitions;
using System.Collections.Concurrent;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Placement;
using ActorStreams.Log;
using ActorStreams.States;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Storage;
using Orleans.TestingHost;

namespace ActorStreams.Tests.Placement;

/// <summary>Silos in one process, on one log and one store in memory: a cluster that is up in a second.</summary>
internal sealed class StreamsCluster : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;

    private StreamsCluster(InProcessTestCluster cluster, Topology topology) => (_cluster, Topology) = (cluster, topology);

    internal Topology Topology { get; }

    internal InMemoryChangeLog Log { get; } = new();

    internal InMemoryStateStore Store { get; } = new();

    internal InMemoryAppendKeys Keys { get; } = new();

    /// <summary>As the HTTP API of the first silo has it, which no test stops.</summary>
    internal IGrainFactory Grains => Silos[0].ServiceProvider.GetRequiredService<IGrainFactory>();

    internal IReadOnlyList<InProcessSiloHandle> Silos => [.. _cluster.GetActiveSilos()];

    internal static async Task<StreamsCluster> StartAsync(short silos, Action<TopologyBuilder> define)
    {
        var topology = new TopologyBuilder();
        define(topology);
        var builder = new InProcessTestClusterBuilder(silos);
        StreamsCluster? cluster = null;
        var storage = new SharedGrainStorage();
#pragma warning disable ORLEANSEXP003 // the directory that the silo uses too
        builder.Options.UseDistributedGrainDirectory = true;
#pragma warning restore ORLEANSEXP003
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(cluster!.Topology).AddSingleton<IChangeLog>(cluster.Log).AddSingleton<IStateStore>(cluster.Store)
                .AddSingleton<IAppendKeys>(cluster.Keys);
            silo.Services.AddKeyedSingleton<IGrainStorage>(PlacementGrain.Storage, storage);
            silo.Services.AddOptions<StreamsOptions>()
                .Configure(options => (options.KeeperIntervalSeconds, options.CheckpointIntervalSeconds) = (1, 0.1));
            silo.Services.AddMetrics();
            silo.Services.AddStreamGrains();
            silo.Services.Configure<ClusterMembershipOptions>(members =>
                (members.ProbeTimeout, members.NumMissedProbesLimit, members.NumVotesForDeathDeclaration) =
                    (TimeSpan.FromSeconds(0.5), 2, 1));
        });
        cluster = new(builder.Build(), topology.Build());
        var builds = new LiveBuilds(cluster.Topology, cluster.Store, cluster.Log, TimeProvider.System, NullLogger<LiveBuilds>.Instance);
        await new TopicSetup(cluster.Topology, cluster.Log, cluster.Store, builds, TimeProvider.System).RunAsync(CancellationToken.None);
        await cluster._cluster.DeployAsync();
        return cluster;
    }

    internal Task<InProcessSiloHandle> JoinAsync() => _cluster.StartAdditionalSiloAsync();

    internal Task StopAsync(InProcessSiloHandle silo) => _cluster.StopSiloAsync(silo);

    internal Task KillAsync(InProcessSiloHandle silo) => _cluster.KillSiloAsync(silo);

    /// <summary>The partitions whose loop runs on a silo.</summary>
    internal static List<string> RunningOn(InProcessSiloHandle silo) =>
    [
        .. silo.ServiceProvider.GetRequiredService<PartitionDirectory>().All
            .Where(runner => runner.Status == RunnerStatus.Running).Select(runner => PartitionKeys.Of(runner.Dataset, runner.Partition))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Waits until each partition runs on exactly one silo, spread evenly; answers how many each has.</summary>
    internal async Task<IReadOnlyDictionary<string, List<string>>> SettledAsync(string because)
    {
        var wanted = Topology.Datasets.Sum(dataset => dataset.Partitions);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var running = Silos.ToDictionary(silo => silo.Name, RunningOn);
            var counts = running.Values.Select(partitions => partitions.Count).ToList();
            if (counts.Sum() == wanted && running.Values.SelectMany(partitions => partitions).Distinct().Count() == wanted
                && counts.Max() - counts.Min() <= 1)
                return running;
            Assert.False(
                limit.IsCancellationRequested,
                $"After {because} the partitions are not settled: "
                + $"{string.Join("; ", running.Select(silo => $"{silo.Key}: {string.Join(' ', silo.Value)}"))}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    /// <summary>Grain storage that outlives silos, as a database does.</summary>
    private sealed class SharedGrainStorage : IGrainStorage
    {
        private readonly ConcurrentDictionary<(string, GrainId), (object State, int ETag)> _states = new();

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            (grainState.RecordExists, grainState.ETag) = (false, "0");
            if (_states.TryGetValue((stateName, grainId), out var stored))
                (grainState.State, grainState.ETag, grainState.RecordExists) = ((T)stored.State, $"{stored.ETag}", true);
            return Task.CompletedTask;
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            var expected = int.Parse(grainState.ETag ?? "0", CultureInfo.InvariantCulture);
            var written = expected == 0
                ? _states.TryAdd((stateName, grainId), (grainState.State!, 1))
                : _states.TryGetValue((stateName, grainId), out var stored) && stored.ETag == expected
                    && _states.TryUpdate((stateName, grainId), (grainState.State!, expected + 1), stored);
            if (!written)
                throw new InconsistentStateException("Another activation has written.");
            (grainState.ETag, grainState.RecordExists) = ($"{expected + 1}", true);
            return Task.CompletedTask;
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException();
    }
}
