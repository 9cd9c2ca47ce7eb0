using ActorStreams.Definitions;
using ActorStreams.Grains.Partitions;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using ActorStreams.Grains;
using ActorStreams.Hosting.Health;
using ActorStreams.Hosting.Settings;
using ActorStreams.Log;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace ActorStreams.Hosting.Api;

/// <summary>States: one by its key, a watch of one, and lists in key order.</summary>
internal static class StatesApi
{
    private const int DefaultListItems = 100;

    /// <summary>Positions that one read waits for: a batch names one for each partition.</summary>
    private const int MaxPositions = 1_024;

    internal static void MapStates(this IEndpointRouteBuilder api, string path, DatasetKind kind)
    {
        var tag = path;
        api.MapGet(
            $"/{path}/{{name}}",
            (
                string name, string? key, string? prefix, string? after, int? limit, string[]? atLeast, double? timeoutSeconds,
                bool? watch, string? since, HttpContext http, [AsParameters] Services services) =>
                    KeyOf(http, key, $"/api/{path}/") is { } asked
                        ? GetAsync(http, services, kind, name, asked, new(atLeast, timeoutSeconds, watch, since))
                        : ListAsync(services, kind, name, prefix ?? "", after, limit))
            .WithTags(tag).WithSummary("States in key order")
            .WithDescription(
                "A page of the keys that begin with prefix and come after another; next is where the next page begins. "
                + "With key= it is the state of that key instead: for keys that a path cannot hold, like '..' or the empty one.")
            .Produces<PageAnswer>().ProducesProblem(400).ProducesProblem(404);
        api.MapGet(
            $"/{path}/{{name}}/{{**key}}",
            (
                string name, string key, string[]? atLeast, double? timeoutSeconds, bool? watch, string? since, HttpContext http,
                [AsParameters] Services services) =>
                    GetAsync(http, services, kind, name, KeyOf(http, null, $"/api/{path}/") ?? key, new(
                        atLeast, timeoutSeconds, watch, since)))
            .WithTags(tag).WithSummary("The state of a key")
            .WithDescription(
                "With watch=true server-sent events: the state, then every change, each with the id to go on from (since), as b1/0:17:0. "
                + "When readers are moved to another build, the stream ends, and the resumed one begins with the state there. "
                + "atLeast=partition:offset (of the dataset's own input log) or topic/partition:offset (of a source topic, "
                + "through any number of views) waits until that position is folded in; it may be given several times.")
            .Produces<StateAnswer>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(504);
    }

    private static async Task<IResult> GetAsync(
        HttpContext http, Services services, DatasetKind kind, string name, string key, ReadQuery query)
    {
        if (Find(services.Topology, kind, name, out var dataset) is { } unknown)
            return unknown;
        IStateGrain grain = kind == DatasetKind.Entity
            ? services.Grains.GetGrain<IEntityGrain>($"{name}/{key}")
            : services.Grains.GetGrain<IViewGrain>($"{name}/{key}");
        var since = query.Since ?? (query.Watch == true ? http.Request.Headers["Last-Event-ID"].FirstOrDefault() : null);
        if (query.Watch == true)
        {
            if (!WatchRequest.TryParse(since, out var request, out var error))
                return Problems.Of(400, "Bad position", error!);
            await WatchStream.WriteAsync(http, name, grain.Watch(request, http.RequestAborted), services.Silo.Value, services.Time);
            return Results.Empty;
        }

        if (ReadRequestOf(query, dataset, services, out var read) is { } bad)
            return bad;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, services.Stop.Ending);
        StateReply reply;
        try
        {
            reply = await services.Time.RetryAsync(() => grain.Get(read, end.Token).WaitAsync(end.Token), end.Token);
        }
        catch (OperationCanceledException)
            when (services.Stop.Ending.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            return Problems.Of(503, "The silo stops", StopSignal.Detail);
        }

        if (!reply.Reached)
        {
            return Problems.Of(
                504, "Position not reached",
                $"After {read.TimeoutSeconds:0.###} s {reply.Position.ToPosition()} is folded, but not yet "
                + $"{string.Join(", ", query.AtLeast!)}. Ask again, or wait longer with timeoutSeconds.",
                new() { ["position"] = PositionOf(reply) });
        }

        if (reply.State is null)
        {
            return Problems.Of(
                404, "No such key", $"The {dataset} has no state for the key '{key}'.", new() { ["position"] = PositionOf(reply) });
        }

        return IsKnown(http, reply) ? Results.StatusCode(StatusCodes.Status304NotModified) : Results.Ok(Answers.Of(name, reply));
    }

    private static async Task<IResult> ListAsync(Services services, DatasetKind kind, string name, string prefix, string? after, int? limit)
    {
        if (Find(services.Topology, kind, name, out var dataset) is { } unknown)
            return unknown;
        var most = services.Silo.Value.MaxListItems;
        var items = limit ?? Math.Min(DefaultListItems, most);
        if (items < 1 || items > most)
            return Problems.Of(400, "Bad limit", $"limit is {items}, but a page has 1 to {most} states.");
        var states = await services.Reader.ListAsync(dataset, new(prefix, after, items), CancellationToken.None);
        return Results.Ok(new PageAnswer(
            name, [.. states.Select(Answers.Item)],
            states.Count == items ? states[^1].Key : null, states.Count > 0 ? states[0].Build : dataset.Build));
    }

    /// <summary>
    /// Names the state by its build and position, and says whether the caller has it already (If-None-Match). The tag is weak, since the
    /// answer also says how far the partition is behind.
    /// </summary>
    private static bool IsKnown(HttpContext http, StateReply reply)
    {
        var tag = new EntityTagHeaderValue($"\"b{reply.Build}/{reply.Position.ToPosition()}\"", isWeak: true);
        http.Response.GetTypedHeaders().ETag = tag;
        http.Response.Headers.CacheControl = "no-cache";
        return http.Request.GetTypedHeaders().IfNoneMatch.Any(
            known => known.Compare(tag, useStrongComparison: false) || known == EntityTagHeaderValue.Any);
    }

    private static object PositionOf(StateReply reply) => new { reply.Position.Topic, reply.Position.Partition, reply.Position.Offset };

    private static IResult? Find(Topology topology, DatasetKind kind, string name, out Dataset dataset)
    {
        if (topology.TryGet(name, out dataset!) && dataset.Kind == kind)
            return null;
        var others = topology.Datasets.Where(d => d.Kind == kind).Select(d => d.Name);
        return Problems.Of(404, "No such dataset", dataset is not null
            ? $"'{name}' is {(kind == DatasetKind.Entity ? "a view: ask /api/views/" : "an entity: ask /api/entities/")}{name}."
            : $"There is no {Words.Of(kind)} '{name}'. There are: {string.Join(", ", others)}.");
    }

    private static IResult? ReadRequestOf(ReadQuery query, Dataset dataset, Services services, out ReadRequest request)
    {
        request = new();
        var timeout = query.TimeoutSeconds ?? request.TimeoutSeconds;
        if (!(timeout >= 0 && timeout <= services.Silo.Value.MaxReadWaitSeconds))
            return Problems.Of(
                400, "Bad time limit", $"timeoutSeconds is {timeout}, but must be from 0 to {services.Silo.Value.MaxReadWaitSeconds}.");
        if (query.AtLeast is not { Length: > 0 } given)
            return null;
        if (given.Length > MaxPositions)
            return Problems.Of(
                400, "Bad position", $"atLeast is given {given.Length} times, but at most {MaxPositions} positions are waited for.");
        var positions = new List<Position>();
        foreach (var text in given)
        {
            if (!Position.TryParse(text, dataset.Topic, out var position))
                return Problems.Of(
                    400, "Bad position", $"atLeast is '{text}', but has the form partition:offset or topic/partition:offset.");
            positions.Add(position);
        }

        request = ReadRequest.For(positions, timeout);
        return null;
    }

    /// <summary>
    /// The key as the client wrote it: all that follows the name, percent-decoded once. Not the routed path, in which %2F and dots are no
    /// longer what they were. A path that ends right after the name's slash means the key '.', since clients take a last "/." away (RFC
    /// 3986 §5.2.4); the empty key is asked for by ?key=.
    /// </summary>
    private static string? KeyOf(HttpContext http, string? given, string prefix)
    {
        if (given is not null || http.Request.Query.ContainsKey("key"))
            return given ?? "";
        var target = http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var path = target.AsSpan(
            0, target.IndexOf('?', StringComparison.Ordinal) is var question && question < 0 ? target.Length : question);
        var start = path.IndexOf(prefix, StringComparison.OrdinalIgnoreCase);
        if (start < 0)
            return null;
        var rest = path[(start + prefix.Length)..];
        var slash = rest.IndexOf('/');
        if (slash < 0)
            return null;
        var key = Uri.UnescapeDataString(rest[(slash + 1)..]);
        return key.Length == 0 ? "." : key;
    }

    private sealed record ReadQuery(string[]? AtLeast, double? TimeoutSeconds, bool? Watch, string? Since);

    /// <summary>What the endpoints work with.</summary>
    internal sealed record Services(
        [FromServices] Topology Topology, [FromServices] IGrainFactory Grains, [FromServices] DatasetReads Reader,
        [FromServices] IOptions<HostingOptions> Silo, [FromServices] StopSignal Stop, [FromServices] TimeProvider Time);
}
