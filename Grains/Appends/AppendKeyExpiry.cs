using ActorStreams.States;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Grains.Appends;

/// <summary>Deletes idempotency keys that have expired, in small steps. Each silo does; a step takes what no other has in hand.</summary>
internal sealed partial class AppendKeyExpiry(IAppendKeys keys, TimeProvider time, ILogger<AppendKeyExpiry> logger) : BackgroundService
{
    /// <summary>Rows of one step.</summary>
    internal const int StepRows = 1_000;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await keys.DeleteExpiredAsync(StepRows, stoppingToken) == StepRows)
                    await Task.Delay(Pause, time, stoppingToken);
            }
            catch (StoreUnavailableException error)
            {
                LogNotDeleted(logger, error.Message);
            }
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "Idempotency keys that have expired could not be deleted; it is tried again. {Reason}")]
    private static partial void LogNotDeleted(ILogger logger, string reason);
}
