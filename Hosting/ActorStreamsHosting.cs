using ActorStreams.Definitions;
using ActorStreams.Grains.Appends;
using ActorStreams.Grains;
using ActorStreams.Hosting.Api;
using ActorStreams.Hosting.Clustering;
using ActorStreams.Hosting.Health;
using ActorStreams.Hosting.Pages;
using ActorStreams.Hosting.Security;
using ActorStreams.Hosting.Security.Listening;
using ActorStreams.Hosting.Settings;
using ActorStreams.Hosting.Telemetry;
using ActorStreams.Partitions;
using Microsoft.Extensions.Options;
using Orleans.Dashboard;
using Scalar.AspNetCore;

namespace ActorStreams.Hosting;

/// <summary>Puts ActorStreams into any ASP.NET Core program: two calls.</summary>
public static class ActorStreamsHosting
{
    private const string DefaultUrl = "http://127.0.0.1:8080";

    /// <summary>Adds a silo with these definitions, on the embedded log and store.</summary>
    /// <exception cref="TopologyException">The definitions do not fit together.</exception>
    public static WebApplicationBuilder AddActorStreams(this WebApplicationBuilder builder, Action<TopologyBuilder> define)
    {
        var topology = new TopologyBuilder();
        topology.Application = builder.Configuration["Streams:Application"] ?? topology.Application;
        topology.DefaultPartitions = builder.Configuration.GetValue("Streams:DefaultPartitions", topology.DefaultPartitions);
        define(topology);
        var services = builder.Services;
        services.AddSingleton(topology.Build());
        services.AddOptions<HostingOptions>().BindConfiguration("Silo").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IValidateOptions<HostingOptions>, RecordSizeCheck>();
        services.AddOptions<StreamsOptions>().BindConfiguration("Streams").ValidateDataAnnotations().ValidateOnStart();
        // Read on its own, before settings are checked: the check reports all settings at once.
        services.AddOptions<HostOptions>().Configure<IConfiguration>((host, settings) =>
            host.ShutdownTimeout = TimeSpan.FromSeconds(settings.GetValue<double?>("Silo:ShutdownSeconds")
                ?? new HostingOptions().ShutdownSeconds));
        services.AddLogAndStates(builder.Configuration);
        services.AddSingleton<Readiness>();
        services.AddSingleton<StopSignal>();
        services.AddSingleton<StartHealth>();
        // First of all hosted services, since the silo's partitions need what it sets up.
        services.AddSingleton<StartupChecks>();
        services.Insert(0, ServiceDescriptor.Singleton<IHostedService>(provider => provider.GetRequiredService<StartupChecks>()));
        builder.UseOrleans(ClusterHosting.AddSilo);
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<HostingOptions>>().Value.RecordLimits);
        services.AddStreamGrains();
        // Services stop in reverse order: this one before the partitions are handed over.
        services.AddHostedService<Drain>();
        services.AddHostedService<SiloMetrics>();
        services.AddApi();
        services.AddSecurity();
        builder.AddTelemetry();
        // Last, so that it ends when the silo has started; the server proper follows.
        services.AddHostedService(provider => provider.GetRequiredService<StartHealth>());
        if (string.IsNullOrEmpty(builder.Configuration["urls"]) && string.IsNullOrEmpty(builder.Configuration["http_ports"])
            && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls(DefaultUrl);
        return builder;
    }

    /// <summary>Maps the HTTP API, its description and a page to try it, the dashboard, and health.</summary>
    /// <exception cref="OptionsValidationException">Settings are out of range.</exception>
    public static WebApplication MapActorStreams(this WebApplication app)
    {
        // Before anything is opened with them.
        if (UnknownSettings.Find(app.Configuration).ToList() is { Count: > 0 } unknown)
            throw new OptionsValidationException("Settings", typeof(HostingOptions), unknown);
        app.Services.GetService<IStartupValidator>()?.Validate();
        app.CountRequests();
        app.UseExceptionHandler();
        app.UseHead();
        app.UseStatusCodePages();
        app.UseSecurity();
        app.MapApi();
        app.MapOpenApi("/openapi/v1.json");
        // The page is self-contained: nothing is fetched from, or sent to, another host.
        app.MapScalarApiReference("/api-reference", page => page.WithTitle("ActorStreams").WithOpenApiRoutePattern("/openapi/v1.json")
            .HideDeveloperTools().HideClientButton().DisableAgent().DisableMcp().DisableTelemetry().DisableDefaultFonts());
        app.MapOrleansDashboard("/dashboard").ExcludeFromDescription();
        app.MapHealth();
        app.MapMetrics();
        app.MapHomePage();
        app.MapOperationsPage();
        return app;
    }

    /// <summary>
    /// Forgets all states and the input logs of views, without a start: the next start folds everything again. For a job that ends.
    /// </summary>
    /// <exception cref="ClusterInUseException">Silos run.</exception>
    /// <exception cref="Log.TopicNotDeletableException">An input log may not be deleted, and nothing was changed.</exception>
    public static Task RebuildActorStreamsAsync(this WebApplication app, CancellationToken cancellationToken = default) =>
        app.Services.GetRequiredService<StartupChecks>().RebuildAsync(cancellationToken);
}
