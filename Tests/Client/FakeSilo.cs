using System.Text.Json.Nodes;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Client;
using ActorStreams.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.Client;

/// <summary>A tiny server that speaks the HTTP contract, and fails where a test tells it to.</summary>
internal sealed class FakeSilo : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<JsonObject>[]> _topics = [];
    private WebApplication _app;

    private FakeSilo(WebApplication app) => _app = app;

    public Uri Url { get; private set; } = null!;

    /// <summary>Answers whatever the silo does not: path and query as sent, and the response.</summary>
    public Func<HttpContext, string, Task> Other { get; set; } = (context, _) => ProblemAsync(context, 404, "There is nothing here.");

    /// <summary>
    /// Called before each append with its number from 0: how many records land before the connection drops; null appends all.
    /// </summary>
    public Func<int, AppendFailure?> OnAppend { get; set; } = _ => null;

    public List<string> Requests { get; } = [];

    public int Appends { get; private set; }

    public static async Task<FakeSilo> StartAsync(params (string Topic, int Partitions)[] topics)
    {
        var silo = new FakeSilo(null!);
        foreach (var (topic, partitions) in topics)
            silo._topics[topic] = [.. Enumerable.Range(0, partitions).Select(_ => new List<JsonObject>())];
        await silo.ListenAsync("http://127.0.0.1:0");
        return silo;
    }

    public ActorStreamsClient Client(ActorStreamsClientOptions? options = null) =>
        new(Url, options ?? new() { ReconnectMinMilliseconds = 1, ReconnectMaxMilliseconds = 20 });

    /// <summary>Everything in a topic: key and value, partition by partition.</summary>
    public IReadOnlyList<(string Key, string Value)> Contents(string topic)
    {
        lock (_lock)
            return [.. _topics[topic].SelectMany(p => p).Select(r => ((string)r["key"]!, r["value"]?.ToJsonString() ?? "null"))];
    }

    /// <summary>Stops listening, and after a pause listens at the same address again.</summary>
    public async Task RestartAsync(TimeSpan away)
    {
        await _app.DisposeAsync();
        await Task.Delay(away);
        await ListenAsync(Url.AbsoluteUri);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    public static Task ProblemAsync(HttpContext context, int status, string detail, object? errors = null)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { title = "Refused", status, detail, errors });
    }

    public static object State(string dataset, string key, object? state, long offset = 0) => new
    {
        dataset, key, state, position = new { topic = "t", partition = 0, offset }, time = DateTimeOffset.UnixEpoch,
        behind = new { records = 0, seconds = 0.0 },
    };

    private async Task ListenAsync(string url)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url);
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        Url = new(_app.Urls.First());
    }

    private Task AnswerAsync(HttpContext context)
    {
        // The raw target, as Kestrel drops segments like "." from the path.
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        lock (_lock)
            Requests.Add(target);
        if (target == "/api/datasets")
            return context.Response.WriteAsJsonAsync(Datasets);
        if (target == "/api/topics")
            return context.Response.WriteAsJsonAsync(Topics());
        if (target.Split('?')[0].Split('/') is ["", "api", "topics", var topic, "records"]
            && _topics.TryGetValue(topic, out var partitions))
            return context.Request.Method == "POST" ? AppendAsync(context, topic, partitions) : ReadAsync(context, partitions);
        return Other(context, target);
    }

    private static object[] Datasets { get; } =
    [
        new
        {
            name = "file", kind = "entity", version = 1, topic = "t", partitions = 1, sources = Array.Empty<string>(), states = 3,
            behind = new { records = 0, seconds = 0.0 }, status = "running",
        },
        new
        {
            name = "folder", kind = "view", version = 1, topic = "folder.input", partitions = 1, sources = new[] { "file" }, states = 2,
            behind = new { records = 0, seconds = 0.0 }, status = "running",
        },
    ];

    private object Topics()
    {
        lock (_lock)
            return _topics.Select(
                t => new { topic = t.Key, kind = "source", partitions = t.Value
                    .Select((p, i) => new { partition = i, start = 0, end = p.Count }).ToArray() }).ToArray();
    }

    private async Task AppendAsync(HttpContext context, string topic, List<JsonObject>[] partitions)
    {
        var lines = await new StreamReader(context.Request.Body).ReadToEndAsync();
        var failure = OnAppend(Appends++);
        if (failure is { Status: { } status })
        {
            await ProblemAsync(context, status, "The log is away.", failure.Errors);
            return;
        }

        foreach (var line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Take(failure?.Landing ?? int.MaxValue))
        {
            var answer = Land(topic, partitions, JsonNode.Parse(line)!.AsObject());
            if (failure is null or { AnswersFirst: true })
                await context.Response.WriteAsync(answer + "\n");
        }

        if (failure is not null)
            context.Abort();
        if (failure?.Then is { } then)
            _ = then(); // restarts this very server, so it cannot be awaited by one of its requests
    }

    private string Land(string topic, List<JsonObject>[] partitions, JsonObject record)
    {
        lock (_lock)
        {
            var partition = Partitioner.PartitionOf((string)record["key"]!, partitions.Length);
            partitions[partition].Add(record);
            return JsonSerializer.Serialize(new { topic, partition, offset = partitions[partition].Count - 1 });
        }
    }

    private async Task ReadAsync(HttpContext context, List<JsonObject>[] partitions)
    {
        var query = context.Request.Query;
        var partition = int.Parse(query["partition"]!, CultureInfo.InvariantCulture);
        var from = int.Parse(query["from"]!, CultureInfo.InvariantCulture);
        string[] lines;
        lock (_lock)
        {
            lines = [.. partitions[partition].Select((r, i) => (Record: r, Offset: i)).Skip(from)
                .Take(int.Parse(query["limit"]!, CultureInfo.InvariantCulture))
                .Select(r =>
                    JsonSerializer.Serialize(
                        new
                        {
                            topic = "t", partition, offset = r.Offset, time = DateTimeOffset.UnixEpoch, key = r.Record["key"],
                            value = r.Record["value"],
                        }))];
        }

        foreach (var line in lines)
            await context.Response.WriteAsync(line + "\n");
    }
}

/// <summary>How an append fails: with a status, or after some records, by a dropped connection.</summary>
internal sealed record AppendFailure(
    int Landing = 0, bool AnswersFirst = false, int? Status = null, object? Errors = null, Func<Task>? Then = null);
