using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Grains.Actors;
using ActorStreams.Grains.Appends;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.DeadLetters;
using ActorStreams.Grains.Dismissed;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Placement;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using ActorStreams.Grains.Telemetry;
using ActorStreams.Log;
using ActorStreams.Partitions;
using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Telemetry;
using ActorStreams.States;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ActorStreams.Grains;

/// <summary>Adds the grains' services to a silo.</summary>
public static class GrainsServices
{
    /// <summary>
    /// Adds what partitions and state grains work with, and the keeper. The host adds the rest: <see cref="Topology"/>,
    /// <see cref="IChangeLog"/>, <see cref="IStateStore"/>, <see cref="IAppendKeys"/>, and options of <see cref="StreamsOptions"/>.
    /// </summary>
    public static IServiceCollection AddStreamGrains(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new RecordLimits());
        services.TryAddSingleton(new FoldOptions());
        services.AddSingleton<PartitionDirectory>();
        services.AddSingleton<StreamsMetrics>();
        services.AddSingleton(provider => new PartitionServices(
            provider.GetRequiredService<Topology>(), provider.GetRequiredService<IChangeLog>(), provider.GetRequiredService<IStateStore>(),
            provider.GetRequiredService<IOptions<StreamsOptions>>().Value, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<StreamsMetrics>(),
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("ActorStreams.Partition"))
        {
            FollowBuilds = provider.GetRequiredService<LiveBuilds>().FollowAsync,
            EdgesDropped = provider.GetRequiredService<LiveBuilds>().DetachAsync,
            Fold = provider.GetRequiredService<FoldOptions>(),
        });
        services.AddSingleton<LiveBuilds>();
        services.AddSingleton<FrozenReads>();
        services.AddSingleton<PartitionCalls>();
        services.AddSingleton(provider => new DatasetReads(
            provider.GetRequiredService<Topology>(), provider.GetRequiredService<LiveBuilds>(), provider.GetRequiredService<IChangeLog>(),
            provider.GetRequiredService<Ownership>(),
            provider.GetRequiredService<MisplacedKeys>(), provider.GetRequiredService<PartitionCalls>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ServedTopics>();
        services.AddSingleton<KeyedAppends>();
        services.AddSingleton(provider => new RecordAppends(
            provider.GetRequiredService<Topology>(), provider.GetRequiredService<ServedTopics>(), provider.GetRequiredService<IChangeLog>(),
            provider.GetRequiredService<RecordLimits>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<KeyedAppends>()));
        services.AddSingleton(provider => new SiloReport(
            provider.GetRequiredService<Topology>(), provider.GetRequiredService<PartitionDirectory>(),
            provider.GetRequiredService<Ownership>(),
            provider.GetRequiredService<SourceTopics>()));
        services.AddSingleton<EmptyActors>();
        services.AddSingleton<TopicSetup>();
        services.AddSingleton<Catalog>();
        services.AddSingleton<DeadLetterReader>();
        services.AddSingleton<Redriver>();
        services.AddSingleton<Dismisser>();
        services.AddSingleton<Ownership>();
        services.AddPlacementDirector<OwnerPlacement, OwnerPlacementDirector>();
        services.AddHostedSingleton<StreamsGauges>();
        services.AddHostedSingleton<DashboardCounters>();
        services.AddHostedSingleton<MisplacedKeys>();
        services.AddHostedSingleton<SourceTopics>();
        services.AddHostedSingleton<Dismissals>();
        services.AddHostedSingleton<PartitionKeeper>();
        services.AddHostedSingleton<AppendKeyExpiry>();
        return services;
    }

    private static void AddHostedSingleton<T>(this IServiceCollection services)
        where T : class, Microsoft.Extensions.Hosting.IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
