using ActorStreams.Hosting.Settings;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting.Health;

/// <summary>
/// The first step of a stop: the silo reports that it is not ready, and still answers until load balancers have seen that. Then
/// partitions are handed over, and only then do the HTTP server and the silo stop.
/// </summary>
internal sealed class Drain(IOptions<HostingOptions> options, StopSignal stop, TimeProvider time) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(options.Value.DrainSeconds), time, cancellationToken);
        }
        finally
        {
            await stop.EndAsync();
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
