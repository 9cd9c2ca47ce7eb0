namespace ActorStreams.Client.Wire;

/// <summary>The paths of the HTTP contract.</summary>
internal static class Paths
{
    public static string Dataset(DatasetInfo dataset) => $"api/{(dataset.Kind == DatasetKind.View ? "views" : "entities")}/{Uri.EscapeDataString(dataset.Name)}";

    /// <summary>The path of a key with a query. The empty key is named in the query: a path that ends with a slash means the key '.'.</summary>
    public static string Key(DatasetInfo dataset, string key, params ReadOnlySpan<(string Name, string? Value)> members) => key.Length == 0
        ? Dataset(dataset) + Query([("key", ""), .. members])
        : $"{Dataset(dataset)}/{EscapeKey(key)}{Query(members)}";

    public static string Records(string topic) => $"api/topics/{Uri.EscapeDataString(topic)}/records";

    /// <summary>A query of the members that are not null.</summary>
    public static string Query(params ReadOnlySpan<(string Name, string? Value)> members)
    {
        var query = "";
        foreach (var (name, value) in members)
        {
            if (value is not null)
                query += $"{(query.Length == 0 ? '?' : '&')}{name}={Uri.EscapeDataString(value)}";
        }

        return query;
    }

    // Slashes stay, as servers do not decode them in a path. Dots alone are escaped, or proxies would take them for "this folder".
    private static string EscapeKey(string key) => string.Join('/', key.Split('/').Select(segment =>
        segment is "." or ".." ? segment.Replace(".", "%2E", StringComparison.Ordinal) : Uri.EscapeDataString(segment)));
}
