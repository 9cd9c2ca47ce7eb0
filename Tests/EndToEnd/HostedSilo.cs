using ActorStreams.Client.Calls;
using ActorStreams.Client.Cluster;
using ActorStreams.Client;
using ActorStreams.Definitions;
using ActorStreams.Hosting;
using ActorStreams.Samples.Shop;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>
/// A silo of this process with a gateway for clients of its cluster, which can be stopped and started again at the same ports.
/// </summary>
internal sealed class HostedSilo : IAsyncDisposable
{
    private readonly TemporaryDirectory _data = new();
    private readonly int _gateway = Ports.Free();
    private WebApplication? _app;
    private IHost? _cluster;

    /// <summary>Given at every start.</summary>
    internal IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The definitions of the next start.</summary>
    internal Action<TopologyBuilder> Define { get; set; } = ShopDefinitions.AddTo;

    internal string Data => _data.File("data");

    /// <summary>What else the program adds.</summary>
    internal Action<WebApplicationBuilder> Configure { get; init; } = _ => { };

    internal IServiceProvider Services => _app!.Services;

    internal Uri Url { get; } = new($"http://127.0.0.1:{Ports.Free()}/");

    internal async Task StartAsync()
    {
        var builder =
            WebApplication.CreateBuilder(["--Silo:DataDirectory", Data, "--Silo:MaxRecordBytes", "10000", .. Settings]);
        builder.Logging.ClearProviders();
        builder.AddActorStreams(Define);
        Configure(builder);
        builder.Services.Configure<EndpointOptions>(endpoints => endpoints.GatewayPort = _gateway);
        builder.WebHost.UseUrls(Url.AbsoluteUri);
        _app = builder.Build();
        _app.MapActorStreams();
        await _app.StartAsync();
    }

    internal async Task StopAsync()
    {
        await _app!.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    /// <summary>A client that comes back fast.</summary>
    internal async Task<ActorStreamsClient> ConnectAsync(bool overOrleans)
    {
        var options = new ActorStreamsClientOptions { ReconnectMinMilliseconds = 20, ReconnectMaxMilliseconds = 250 };
        if (!overOrleans)
            return new(Url, options);
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client => client.UseLocalhostClustering(_gateway, "actorstreams", "embedded"));
        _cluster = builder.Build();
        await _cluster.StartAsync();
        return _cluster.Services.GetRequiredService<IClusterClient>().AsActorStreamsClient(options);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.StopAsync();
            _cluster.Dispose();
        }

        if (_app is not null)
            await StopAsync();
        _data.Dispose();
    }
}
