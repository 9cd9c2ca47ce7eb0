using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using ActorStreams.Tests.EndToEnd;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Trace;
using OpenTelemetry;

namespace ActorStreams.Tests.Telemetry;

/// <summary>One trace from an append to the view, by OpenTelemetry's own pipeline.</summary>
[Collection(AloneCollection.Name)]
public sealed class TraceTests : EndToEndTest
{
    private const string SpendInput = "actorstreams.spend.b1.input";
    private readonly Kept _kept = new();

    [Fact]
    public async Task A_trace_goes_from_the_append_to_the_view_and_no_span_has_a_key_or_a_value()
    {
        await using var silo = new HostedSilo { Configure = Trace };
        await silo.StartAsync();
        using var http = new HttpClient { BaseAddress = silo.Url };
        var trace = ActivityTraceId.CreateRandom();
        await AppendAsync(http, $"00-{trace}-{ActivitySpanId.CreateRandom()}-01", "secret-key");
        await UntilAsync(
            () => Task.FromResult(_kept.Of(trace).Any(span => span.DisplayName == $"process {SpendInput}")), "the view's fold");
        await UntilAsync(
            async () => (await http.GetAsync(new Uri("api/views/spend/secret-customer", UriKind.Relative))).IsSuccessStatusCode,
            "the view");
        await http.GetAsync(new Uri("api/entities/order/secret-key", UriKind.Relative));
        await http.GetAsync(new Uri("api/entities/order?prefix=secret-key", UriKind.Relative));

        var spans = _kept.Of(trace);
        var append = Assert.Single(spans, span => span.DisplayName == "send shop.orders");
        var fold = Assert.Single(spans, span => span.DisplayName == "process shop.orders");
        var send = Assert.Single(spans, span => span.DisplayName == $"send {SpendInput}");
        var view = Assert.Single(spans, span => span.DisplayName == $"process {SpendInput}");
        Assert.Equal(append.SpanId, fold.ParentSpanId);
        Assert.Equal(append.SpanId, Assert.Single(fold.Links).Context.SpanId);
        Assert.Equal(fold.SpanId, send.ParentSpanId);
        Assert.Equal(send.SpanId, view.ParentSpanId);
        Assert.Equal(send.SpanId, Assert.Single(view.Links).Context.SpanId);
        Assert.Equal(
            [ActivityKind.Producer, ActivityKind.Consumer, ActivityKind.Producer, ActivityKind.Consumer],
            new[] { append, fold, send, view }.Select(span => span.Kind));
        Assert.Equal("actorstreams", fold.GetTagItem("messaging.system"));
        Assert.Equal("process", fold.GetTagItem("messaging.operation.name"));
        Assert.Equal("process", fold.GetTagItem("messaging.operation.type"));
        Assert.Equal("shop.orders", fold.GetTagItem("messaging.destination.name"));
        Assert.Equal(1, fold.GetTagItem("messaging.batch.message_count"));
        Assert.Equal("actorstreams.order.b1", fold.GetTagItem("messaging.consumer.group.name"));
        Assert.True(int.TryParse((string?)fold.GetTagItem("messaging.destination.partition.id"), out _));
        Assert.Equal("send", append.GetTagItem("messaging.operation.type"));
        Assert.Contains(_kept.All, span => (string?)span.GetTagItem("url.path") == "/api/topics/{topic}/records");
        Assert.All(_kept.All, span => Assert.DoesNotContain(
            "secret", $"{span.DisplayName} {string.Join(' ', span.TagObjects)} {string.Join(' ', span.Events.SelectMany(one => one.Tags))}",
            StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_batch_is_linked_to_the_sampled_appends_in_it_and_to_no_more_than_the_bound()
    {
        const int appends = 40;
        await using var silo = new HostedSilo { Configure = Trace };
        await silo.StartAsync();
        using var http = new HttpClient { BaseAddress = silo.Url };
        await Task.WhenAll(Enumerable.Range(0, appends)
            .Select(i => AppendAsync(
                http, $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-0{i % 2}", $"key-{i % 2}-{i}")));
        await UntilAsync(
            () => Task.FromResult(_kept.All.Where(IsFold).Sum(span => (int)span.GetTagItem("messaging.batch.message_count")!) >= appends),
            "the folds of all appends");
        var sent = _kept.All.Where(span => span.DisplayName == "send shop.orders").Select(span => span.SpanId).ToHashSet();
        Assert.Equal(appends / 2, sent.Count);
        Assert.All(_kept.All.Where(IsFold), span => Assert.InRange(span.Links.Count(), 0, 16));
        Assert.All(_kept.All.Where(IsFold).SelectMany(span => span.Links), link => Assert.Contains(link.Context.SpanId, sent));

        using var client = await silo.ConnectAsync(overOrleans: false);
        await foreach (var record in client.ReadRecordsAsync(OrderRequests.Orders))
            Assert.Equal(record.Key!.StartsWith("key-1", StringComparison.Ordinal), record.Headers?.ContainsKey("traceparent") == true);

        static bool IsFold(Activity span) => span.DisplayName == "process shop.orders";
    }

    [Fact]
    public async Task Where_nobody_traces_no_record_carries_anything()
    {
        await using var silo = new HostedSilo();
        await silo.StartAsync();
        using var http = new HttpClient { BaseAddress = silo.Url };
        await AppendAsync(http, $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01", "key");
        using var client = await silo.ConnectAsync(overOrleans: false);
        Assert.Null((await client.ReadRecordsAsync(OrderRequests.Orders).ToListAsync()).Single().Headers);
    }

    private void Trace(WebApplicationBuilder builder) =>
        builder.Services.AddOpenTelemetry().WithTracing(traces => traces.AddProcessor(_kept));

    private static async Task AppendAsync(HttpClient http, string parent, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("api/topics/shop.orders/records", UriKind.Relative));
        request.Headers.Add("traceparent", parent);
        request.Content = new StringContent(OrderRequests.Placed(key, "secret-customer", 7), Encoding.UTF8, "application/x-ndjson");
        (await http.SendAsync(request)).EnsureSuccessStatusCode();
    }

    /// <summary>Keeps the spans that have ended.</summary>
    private sealed class Kept : BaseProcessor<Activity>
    {
        private readonly ConcurrentQueue<Activity> _spans = new();

        internal IEnumerable<Activity> All => _spans;

        internal List<Activity> Of(ActivityTraceId trace) => [.. _spans.Where(span => span.TraceId == trace)];

        public override void OnEnd(Activity data) => _spans.Enqueue(data);
    }
}
