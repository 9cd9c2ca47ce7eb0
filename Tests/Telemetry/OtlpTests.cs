using System.Collections.Concurrent;
using System.Net;
using System.Text;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Telemetry;

/// <summary>What leaves a silo by OTLP, as a receiver gets it.</summary>
[Collection(AloneCollection.Name)]
public sealed class OtlpTests : EndToEndTest
{
    [Fact]
    public async Task Metrics_traces_and_logs_go_where_the_endpoint_says_and_have_no_key_and_no_value()
    {
        var receiver = new Uri($"http://127.0.0.1:{Ports.Free()}/");
        using var listener = new HttpListener { Prefixes = { receiver.AbsoluteUri } };
        listener.Start();
        var received = new ConcurrentDictionary<string, string>();
        var receiving = ReceiveAsync(listener, received);
        var silo = await StartSiloAsync(
            $"--OTEL_EXPORTER_OTLP_ENDPOINT={receiver}", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "--OTEL_METRIC_EXPORT_INTERVAL=500",
            "--OTEL_BSP_SCHEDULE_DELAY=200",
            "--OTEL_BLRP_SCHEDULE_DELAY=200");
        await silo.PlaceAsync("secret-key", "secret-customer", 7);
        await silo.PostAsync(OrderRequests.Orders, """{"key":"secret-key","value":"secret-value"}""");
        await silo.GetAsync("api/entities/order/secret-key");
        await UntilAsync(
            () => Task.FromResult(Has("/v1/traces", "process shop.orders") && Has("/v1/traces", "process actorstreams.spend.b1.input")
                && Has("/v1/metrics", "actorstreams.view.freshness") && Has("/v1/logs", "Owners")),
            "spans, metrics and logs");
        Assert.All(received, signal => Assert.DoesNotContain("secret-", signal.Value, StringComparison.Ordinal));
        listener.Stop();
        await receiving;

        bool Has(string path, string text) => received.GetValueOrDefault(path, "").Contains(text, StringComparison.Ordinal);
    }

    private static async Task ReceiveAsync(HttpListener listener, ConcurrentDictionary<string, string> received)
    {
        try
        {
            while (true)
            {
                var context = await listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream, Encoding.Latin1);
                var body = await reader.ReadToEndAsync();
                received.AddOrUpdate(context.Request.Url!.AbsolutePath, body, (_, before) => before + body);
                context.Response.ContentType = "application/x-protobuf";
                context.Response.Close();
            }
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
