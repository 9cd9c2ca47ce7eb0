using System.Net;
using System.Net.Sockets;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Log;
using ActorStreams.Silo.Api;
using ActorStreams.States;
using ActorStreams.Storage;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Dashboard;
using Scalar.AspNetCore;

namespace ActorStreams.Silo;

/// <summary>Puts ActorStreams into any ASP.NET Core program: two calls.</summary>
public static class ActorStreamsHosting
{
    private const string DefaultUrl = "http://127.0.0.1:8080";

    /// <summary>Adds a silo with these definitions, on the embedded log and store.</summary>
    /// <exception cref="TopologyException">The definitions do not fit together.</exception>
    public static WebApplicationBuilder AddActorStreams(this WebApplicationBuilder builder, Action<TopologyBuilder> define)
    {
        var topology = new TopologyBuilder();
        define(topology);
        var services = builder.Services;
        services.AddSingleton(topology.Build());
        services.AddOptions<SiloOptions>().BindConfiguration("Silo").ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<StreamsOptions>().BindConfiguration("Streams").ValidateDataAnnotations().ValidateOnStart();
        // Read before settings are checked, and so by itself: the check is to tell of all settings at once.
        services.AddOptions<HostOptions>().Configure<IConfiguration>((host, settings) =>
            host.ShutdownTimeout = TimeSpan.FromSeconds(settings.GetValue<double?>("Silo:ShutdownSeconds") ?? new SiloOptions().ShutdownSeconds));
        AddEmbeddedStorage(services);
        services.AddSingleton<Readiness>();
        // First of all hosted services, since the silo's partitions need what it sets up.
        services.Insert(0, ServiceDescriptor.Singleton<IHostedService, StartupChecks>());
        builder.UseOrleans(AddSilo);
        services.AddSingleton(provider => new RecordLimits(provider.GetRequiredService<IOptions<SiloOptions>>().Value.MaxRecordBytes));
        services.AddStreamGrains();
        services.AddHostedService<DashboardCounters>();
        services.AddApi();
        builder.AddTelemetry();
        if (string.IsNullOrEmpty(builder.Configuration["urls"]) && string.IsNullOrEmpty(builder.Configuration["http_ports"]) && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls(DefaultUrl);
        return builder;
    }

    /// <summary>Maps the HTTP API, its description and a page to try it, the dashboard, and health.</summary>
    /// <exception cref="OptionsValidationException">Settings are out of range.</exception>
    public static WebApplication MapActorStreams(this WebApplication app)
    {
        // Before anything is opened with them.
        app.Services.GetService<IStartupValidator>()?.Validate();
        app.UseExceptionHandler();
        app.MapApi();
        app.MapOpenApi("/openapi/v1.json");
        // The page is served from here alone: nothing is fetched from, or told to, anybody else.
        app.MapScalarApiReference("/api-reference", page => page.WithTitle("ActorStreams").WithOpenApiRoutePattern("/openapi/v1.json")
            .HideDeveloperTools().HideClientButton().DisableAgent().DisableMcp().DisableTelemetry().DisableDefaultFonts());
        app.MapOrleansDashboard("/dashboard").ExcludeFromDescription();
        app.MapHealth();
        app.MapHomePage();
        return app;
    }

    private static void AddEmbeddedStorage(IServiceCollection services)
    {
        services.AddSingleton(provider => DataDirectory.Open(provider.GetRequiredService<IOptions<SiloOptions>>().Value.DataDirectory));
        services.AddSingleton<IChangeLog>(provider => SqliteChangeLog.Open(new() { Path = provider.GetRequiredService<DataDirectory>().FilePath("log.db") }));
        services.AddSingleton<IStateStore>(provider => SqliteStateStore.Open(new() { Path = provider.GetRequiredService<DataDirectory>().FilePath("states.db") }));
    }

    /// <summary>A silo by itself: no gateway, and nothing outside loopback.</summary>
    private static void AddSilo(ISiloBuilder silo)
    {
        var port = silo.Configuration.GetValue<int?>("Silo:SiloPort") is { } given and > 0 ? given : FreePort();
        silo.UseLocalhostClustering(siloPort: port, gatewayPort: 0, serviceId: "actorstreams", clusterId: "embedded");
        silo.Configure<EndpointOptions>(endpoints => (endpoints.AdvertisedIPAddress, endpoints.GatewayPort) = (IPAddress.Loopback, 0));
        silo.Configure<GrainCollectionOptions>(collection =>
            (collection.CollectionQuantum, collection.CollectionAge) = (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)));
        silo.AddDashboard(dashboard => dashboard.HideTrace = true);
        silo.AddActivityPropagation();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
