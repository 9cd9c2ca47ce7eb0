using ActorStreams.Batch;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Log;
using ActorStreams.States;
using Microsoft.Extensions.Options;

namespace ActorStreams.Silo;

/// <summary>Before anything else starts: a rebuild if it is asked for, then topics and stored definitions.</summary>
internal sealed partial class StartupChecks(
    TopicSetup topics, Topology topology, IChangeLog log, IStateStore store, IOptions<SiloOptions> options, ILogger<StartupChecks> logger) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Rebuild)
        {
            await Rebuild.RunAsync(topology, log, store, cancellationToken);
            LogRebuild(logger);
        }

        await topics.RunAsync(cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Warning, Message = "All states and the views' input logs are forgotten. Everything is folded again from the source topics.")]
    private static partial void LogRebuild(ILogger logger);
}
