using ActorStreams.Client.Calls;
using ActorStreams.Definitions;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Http;

/// <summary>The paths of the HTTP contract.</summary>
internal static class Paths
{
    public static string Dataset(DatasetInfo dataset) =>
        $"api/{(dataset.Kind == DatasetKind.View ? "views" : "entities")}/{Uri.EscapeDataString(dataset.Name)}";

    /// <summary>
    /// The path of a key with a query. A key that a path cannot hold is named in the query: an empty one, and one with a
    /// segment of dots alone, which servers and proxies resolve even where it is escaped. The key '.' alone may stay, since the
    /// silo knows what it is resolved to.
    /// </summary>
    public static string Key(DatasetInfo dataset, string key, params ReadOnlySpan<(string Name, string? Value)> members) => !FitsPath(key)
        ? Dataset(dataset) + Query([("key", key), .. members])
        : $"{Dataset(dataset)}/{EscapeKey(key)}{Query(members)}";

    public static string Records(string topic) => $"api/topics/{Uri.EscapeDataString(topic)}/records";

    /// <summary>The path of a change of builds.</summary>
    public static string Change(BuildChange change)
    {
        var dataset = change.Dataset is { } name ? $"/{Uri.EscapeDataString(name)}" : "";
        var build = change.Act == BuildAct.Retire ? string.Create(CultureInfo.InvariantCulture, $"/{change.Build}") : "";
        return $"api/builds{dataset}{build}/{change.Act.ToString().ToLowerInvariant()}";
    }

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

    private static bool FitsPath(string key) => key is "." || (key.Length > 0 && !key.Split('/').Any(segment => segment is "." or ".."));

    // Slashes stay, as servers do not decode them in a path.
    private static string EscapeKey(string key) => key is "." ? "%2E" : string.Join('/', key.Split('/').Select(Uri.EscapeDataString));
}
