using System.Diagnostics;
using ActorStreams.Hosting.Security;
using ActorStreams.Hosting.Settings;
using ActorStreams.Partitions.Telemetry;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using OpenTelemetry;

namespace ActorStreams.Hosting.Telemetry;

/// <summary>
/// Metrics and traces by OpenTelemetry. Metrics are exposed at <c>/metrics</c>; metrics, traces and logs leave the process where
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says so. Without that nobody listens to traces, and none are made.
/// </summary>
internal static class TelemetryHosting
{
    internal const string MetricsPath = "/metrics";
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string ServiceName = "actorstreams-silo";

    internal static void AddTelemetry(this WebApplicationBuilder builder)
    {
        var options = HostingOptions.Unchecked(builder.Configuration);
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => Describe(resource, options))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(TelemetryNames.Meter, "Microsoft.Orleans").AddAspNetCoreInstrumentation().AddRuntimeInstrumentation();
                if (options.MetricsEndpoint)
                    metrics.AddPrometheusExporter();
            });
        // For any listener: ours, or that of the program that this silo is part of.
        builder.Services.ConfigureOpenTelemetryTracerProvider(traces => traces
            .AddSource(TelemetryNames.Traces, "Microsoft.Orleans.Application")
            .AddProcessor(new KeysLeftOut())
            .AddAspNetCoreInstrumentation(requests =>
            {
                requests.Filter = context => context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal);
                requests.EnrichWithHttpResponse = (activity, response) => activity.SetTag("url.path", RouteNames.Of(response.HttpContext));
            }));
        if (!string.IsNullOrEmpty(builder.Configuration[Endpoint]))
            telemetry.WithTracing().UseOtlpExporter();
    }

    /// <summary>Maps <c>/metrics</c> in Prometheus' text form, unless <c>Silo:MetricsEndpoint</c> is off.</summary>
    /// <returns>The endpoint, for its access rule; null when it is off.</returns>
    internal static IEndpointConventionBuilder? MapMetrics(this WebApplication app) =>
        app.Services.GetRequiredService<IOptions<HostingOptions>>().Value.MetricsEndpoint
            ? app.MapPrometheusScrapingEndpoint(MetricsPath)
            : null;

    /// <summary>The resource of all telemetry. <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> override it.</summary>
    private static void Describe(ResourceBuilder resource, HostingOptions options) => resource
        .AddService(
            ServiceName, serviceVersion: typeof(TelemetryHosting).Assembly.GetName().Version?.ToString(3),
            serviceInstanceId: options.Name
                ?? string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}-{Environment.ProcessId}"))
        .AddEnvironmentVariableDetector();

    /// <summary>Orleans names the grains that call each other, and the names of ours are keys.</summary>
    private sealed class KeysLeftOut : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            data.SetTag("orleans.rpc.target_id", null);
            data.SetTag("orleans.rpc.source_id", null);
        }
    }
}
