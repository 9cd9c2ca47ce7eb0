using ActorStreams.Hosting.Security.Tokens;

namespace ActorStreams.Hosting.Security;

/// <summary>What a request needs, beside a token that is valid.</summary>
internal enum AccessKind
{
    /// <summary>Nothing: probes.</summary>
    Open,

    /// <summary>A token, whatever it is for.</summary>
    Token,

    /// <summary><c>streams.read</c>.</summary>
    Read,

    /// <summary><c>streams.watch</c>.</summary>
    Watch,

    /// <summary><c>streams.append</c>.</summary>
    Append,

    /// <summary><c>streams.metrics</c> or <c>streams.operate</c>.</summary>
    Metrics,

    /// <summary><c>streams.operate</c>.</summary>
    Operate,
}

/// <summary>What a request needs, and the dataset or topic that it names.</summary>
internal readonly record struct Need(AccessKind Kind, string? Dataset = null, string? Topic = null);

/// <summary>
/// The right that each request needs, here for all paths, so that an endpoint cannot forget it. A path that is not listed needs
/// <c>streams.operate</c>: a new endpoint is closed until a line here opens it.
/// </summary>
internal static class AccessRules
{
    private static readonly PathString Health = "/health", Metrics = "/metrics", Api = "/api";

    /// <summary>What operators alone need, and what has a port of its own where one is set.</summary>
    private static readonly PathString[] Operations = [Metrics, "/dashboard", "/operations", "/api/dead-letters"];

    /// <summary>What any reader may see: nothing of it is a dataset's own.</summary>
    private static readonly PathString[] Reading = ["/openapi", "/api-reference", "/api/lineage"];

    /// <summary>Lists, and what one dataset has: its name is the route value <c>name</c>.</summary>
    private static readonly PathString[] Datasets = ["/api/datasets", "/api/entities", "/api/views"];

    private static readonly PathString Topics = "/api/topics";

    /// <summary>Readers see those of their datasets, at both ports; what changes them is for operators.</summary>
    private static readonly PathString Builds = "/api/builds";

    internal static Need Of(HttpContext http)
    {
        var (path, reads) = (http.Request.Path, Reads(http));
        if (IsUnder(path, Health))
            return new(reads ? AccessKind.Open : AccessKind.Operate);
        if (path == SignIn.Path)
            return new(AccessKind.Token);
        if (IsOperations(http))
            return new(reads && IsUnder(path, Metrics) ? AccessKind.Metrics : AccessKind.Operate);
        if (http.GetEndpoint() is not RouteEndpoint && IsUnder(path, Api))
            return new(AccessKind.Token); // there is nothing, or not by this method or for this kind of body: 404, 405 or 415 says so
        if (!reads)
            return IsUnder(path, Topics) && HttpMethods.IsPost(http.Request.Method) && Value(http, "topic") is { } topic
                ? new(AccessKind.Append, Topic: topic)
                : new(AccessKind.Operate);
        if (path.Equals(Builds, StringComparison.OrdinalIgnoreCase))
            return new(AccessKind.Read); // filtered where it is made
        if (path == "/" || Reading.Any(root => IsUnder(path, root)))
            return new(AccessKind.Read);
        if (IsUnder(path, Topics))
            return Named(http, path, Topics, topic: Value(http, "topic"));
        foreach (var root in Datasets)
        {
            if (IsUnder(path, root))
                return Named(http, path, root, dataset: Value(http, "name"));
        }

        return new(AccessKind.Operate);
    }

    /// <summary>Whether a request continues until its client ends it.</summary>
    internal static bool IsWatch(HttpContext http) => HttpMethods.IsGet(http.Request.Method) && GoesOn(http);

    /// <summary>Whether the path and query are those of a watch, whatever the method.</summary>
    internal static bool GoesOn(HttpContext http) =>
        IsUnder(http.Request.Path, Api) && (IsTrue(http, "watch") || IsTrue(http, "follow"));

    internal static bool IsOperations(HttpContext http) =>
        Operations.Any(root => IsUnder(http.Request.Path, root)) || (IsUnder(http.Request.Path, Builds) && !Reads(http));

    internal static bool IsHealth(HttpContext http) => IsUnder(http.Request.Path, Health);

    /// <summary>Whether a request is served at the API's port and at that of operators alike.</summary>
    internal static bool IsAtBothPorts(HttpContext http) =>
        IsHealth(http) || http.Request.Path == SignIn.Path || (IsUnder(http.Request.Path, Builds) && Reads(http));

    private static Need Named(HttpContext http, PathString path, PathString root, string? dataset = null, string? topic = null)
    {
        // A list is filtered where it is made. Below it, a path that does not say what it is about would escape the filter.
        if (dataset is null && topic is null && !path.Equals(root, StringComparison.OrdinalIgnoreCase))
            return new(AccessKind.Operate);
        return new(IsWatch(http) ? AccessKind.Watch : AccessKind.Read, dataset, topic);
    }

    private static bool IsUnder(PathString path, PathString root) => path.StartsWithSegments(root, StringComparison.OrdinalIgnoreCase);

    private static bool Reads(HttpContext http) => HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);

    private static bool IsTrue(HttpContext http, string name) =>
        http.Request.Query[name].Any(value => bool.TryParse(value, out var given) && given);

    private static string? Value(HttpContext http, string name) => http.GetRouteValue(name) as string;
}
