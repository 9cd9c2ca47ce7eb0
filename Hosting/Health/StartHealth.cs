using ActorStreams.Hosting.Security.Listening;
using ActorStreams.Hosting.Settings;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace ActorStreams.Hosting.Health;

/// <summary>
/// Answers health where the silo will listen while it waits at its start, since the server proper starts last, when the silo can answer.
/// Registered as the last hosted service, it ends just before that server begins.
/// </summary>
internal sealed class StartHealth(IConfiguration configuration, IServiceProvider services) : IHostedService, IAsyncDisposable
{
    private const string Starts = "The silo is starting.";

    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(1);

    private volatile string _reason = Starts;
    private WebApplication? _server;

    /// <summary>Why the silo waits; null when it does not.</summary>
    internal string? Reason
    {
        set => _reason = value ?? Starts;
    }

    /// <summary>Begins to answer.</summary>
    internal async Task ShowAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.Services.AddSingleton<IConfigureOptions<KestrelServerOptions>>(
            new ServerTls(services.GetRequiredService<IOptions<SecurityOptions>>(), services));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Configure(configuration.GetSection("Kestrel")));
        _server = builder.Build();
        if (!configuration.GetSection("Kestrel:Endpoints").Exists())
        {
            foreach (var url in ListenAddresses.OfApi(configuration).Concat(ListenAddresses.OfOperations(configuration)))
                _server.Urls.Add(url);
        }

        _server.Run(AnswerAsync);
        await _server.StartAsync(cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask();

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _server, null) is not { } server)
            return;
        using var most = new CancellationTokenSource(LastWait, services.GetRequiredService<TimeProvider>());
        await server.StopAsync(most.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await server.DisposeAsync();
    }

    private Task AnswerAsync(HttpContext http)
    {
        if (http.Request.Path == "/health/live")
            return http.Response.WriteAsJsonAsync(new HealthInfo(HealthState.Live, null, []));
        http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        var state = http.Request.Path == "/health/startup" ? HealthState.Starting : HealthState.NotReady;
        return http.Response.WriteAsJsonAsync(new HealthInfo(state, _reason, []));
    }
}
