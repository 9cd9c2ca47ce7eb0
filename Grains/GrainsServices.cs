using ActorStreams.Grains.DeadLetters;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Placement;
using ActorStreams.Grains.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ActorStreams.Grains;

/// <summary>Adds the grains' services to a silo.</summary>
public static class GrainsServices
{
    /// <summary>
    /// Adds what partitions and state grains work with, and the keeper. The host adds the rest: <c>Topology</c>, <c>IChangeLog</c>, <c>IStateStore</c>, and
    /// options of <see cref="StreamsOptions"/>.
    /// </summary>
    public static IServiceCollection AddStreamGrains(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<PartitionDirectory>();
        services.AddSingleton<StreamsMetrics>();
        services.AddHostedService(provider => provider.GetRequiredService<StreamsMetrics>());
        services.AddSingleton<PartitionServices>();
        services.AddSingleton<DatasetReader>();
        services.AddSingleton<EmptyActors>();
        services.AddSingleton<ForeignKeys>();
        services.AddHostedService(provider => provider.GetRequiredService<ForeignKeys>());
        services.AddSingleton<SourceTopics>();
        services.AddHostedService(provider => provider.GetRequiredService<SourceTopics>());
        services.AddSingleton<TopicSetup>();
        services.TryAddSingleton(new RecordLimits());
        services.AddSingleton<Catalog>();
        services.AddSingleton<DeadLetterReader>();
        services.AddSingleton<Redriver>();
        services.AddSingleton<Ownership>();
        services.AddPlacementDirector<OwnerPlacement, OwnerPlacementDirector>();
        services.AddSingleton<PartitionKeeper>();
        services.AddHostedService(provider => provider.GetRequiredService<PartitionKeeper>());
        return services;
    }
}
