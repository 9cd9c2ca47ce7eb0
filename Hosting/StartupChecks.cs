using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using ActorStreams.Grains;
using ActorStreams.Hosting.Health;
using ActorStreams.Hosting.Security;
using ActorStreams.Hosting.Settings;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Storage.Postgres;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace ActorStreams.Hosting;

/// <summary>
/// Before anything else starts: a rebuild if requested, then topics and stored definitions. A silo that starts while its log or its store
/// is away waits for it, for a limited time.
/// </summary>
internal sealed partial class StartupChecks(
    TopicSetup topics, IOptions<HostingOptions> options, StartHealth health, IServiceProvider services, TimeProvider time,
    ILogger<StartupChecks> logger)
    : IHostedLifecycleService
{
    /// <summary>Silos say every 30 s that they are alive; one that has not for three times as long is not.</summary>
    private static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(90);

    /// <summary>Checks that take longer are answered for by <see cref="StartHealth"/>.</summary>
    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private readonly long _begin = time.GetTimestamp();

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var checks = CheckAsync(failing.Token);
        try
        {
            if (await Task.WhenAny(checks, Task.Delay(Quick, time, cancellationToken)) != checks)
                await health.ShowAsync(cancellationToken);
            await checks;
        }
        catch
        {
            await failing.CancelAsync();
            await checks.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Rebuild)
            await RebuildAsync(cancellationToken);
        else
            await SetUpStoreAsync(cancellationToken);
        await RetryAsync(() => topics.RunAsync(cancellationToken), cancellationToken);
    }

    /// <summary>Forgets all states and what is derived, if no other silo is at work on them.</summary>
    internal async Task RebuildAsync(CancellationToken cancellationToken)
    {
        await SetUpStoreAsync(cancellationToken);
        if (options.Value.IsCluster)
            await CheckAloneAsync();
        await RetryAsync(() => topics.ForgetAsync(cancellationToken), cancellationToken);
        LogRebuild(logger);
        Security.AuditLog.TellOfStart(services.GetRequiredService<ILoggerFactory>(), "rebuild");
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Repeats a step while the log or the store is unavailable, until the time to wait is over.</summary>
    private async Task RetryAsync(Func<Task> step, CancellationToken cancellationToken)
    {
        var limit = TimeSpan.FromSeconds(options.Value.StartWaitSeconds);
        for (var pause = FirstPause; ; pause = TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, LongestPause.Ticks)))
        {
            try
            {
                await step();
                health.Reason = null;
                return;
            }
            catch (Exception error) when (error is LogUnavailableException or StoreUnavailableException
                && time.GetElapsedTime(_begin) + pause < limit)
            {
                health.Reason = error.Message;
                LogWaiting(logger, error.Message, limit - time.GetElapsedTime(_begin));
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }

    private Task SetUpStoreAsync(CancellationToken cancellationToken) => options.Value.States == StatesKind.Postgres
        ? RetryAsync(() => SetUpPostgresAsync(cancellationToken), cancellationToken)
        : Task.CompletedTask;

    private async Task SetUpPostgresAsync(CancellationToken cancellationToken)
    {
        var postgres = services.GetRequiredService<IOptions<PostgresOptions>>().Value;
        if (options.Value.Migrate)
            await PostgresSchema.MigrateAsync(postgres, cancellationToken);
        await PostgresSchema.CheckAsync(postgres, cancellationToken);
    }

    /// <summary>States that a silo of the cluster is folding must not be forgotten under it.</summary>
    private async Task CheckAloneAsync()
    {
        var members = services.GetRequiredService<IMembershipTable>();
        await members.InitializeMembershipTableAsync(tryInitTableVersion: true);
        var alive = (await members.ReadAllAsync()).Members.Select(member => member.Item1)
            .Where(member => member.Status is SiloStatus.Active or SiloStatus.Joining or SiloStatus.ShuttingDown
                && time.GetUtcNow().UtcDateTime - member.IAmAliveTime < StaleAfter).ToList();
        if (alive.Count > 0)
        {
            throw new ClusterInUseException(
                $"--rebuild forgets all states, but {alive.Count} silo{(alive.Count == 1 ? " is" : "s are")} folding them: "
                + $"{string.Join(", ", alive.Select(member => member.SiloName))}. "
                + $"Stop them first. One that was killed counts for {StaleAfter.TotalSeconds:0} s more.");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason} The silo waits with its start, for {Rest} more at most.")]
    private static partial void LogWaiting(ILogger logger, string reason, TimeSpan rest);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "All states and the views' input logs are forgotten. Everything is folded again from the source topics.")]
    private static partial void LogRebuild(ILogger logger);
}

/// <summary>Other silos of the cluster work on what was to be changed. Stop them first.</summary>
public sealed class ClusterInUseException(string message) : Exception(message);
