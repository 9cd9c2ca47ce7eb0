namespace ActorStreams.Tests.Tidy;

/// <summary>Finds what lies on circles of a graph.</summary>
internal static class Circles
{
    /// <summary>The nodes from which a way leads back to them, each with one use for every arrow to a node of the same circle.</summary>
    internal static IReadOnlyList<string> Find(IEnumerable<(string From, string To, string Use)> arrows)
    {
        var uses = arrows.Where(arrow => arrow.From != arrow.To).GroupBy(arrow => (arrow.From, arrow.To))
            .ToDictionary(group => group.Key, group => group.First().Use);
        var next = uses.Keys.ToLookup(arrow => arrow.From, arrow => arrow.To);
        var reached = next.ToDictionary(node => node.Key, node => Reached(node.Key, next));
        bool Both(string from, string to) => reached[from].Contains(to) && reached.TryGetValue(to, out var back) && back.Contains(from);
        return
        [
            .. reached.Keys.Where(node => reached[node].Contains(node)).Order(StringComparer.Ordinal).Select(node =>
                $"{node} ⇄ {string.Join(" | ", next[node].Where(to => Both(node, to)).Select(to => $"{to} ({uses[(node, to)]})"))}"),
        ];
    }

    private static HashSet<string> Reached(string from, ILookup<string, string> next)
    {
        var reached = new HashSet<string>();
        var open = new Stack<string>(next[from]);
        while (open.TryPop(out var node))
        {
            if (!reached.Add(node))
                continue;
            foreach (var further in next[node])
                open.Push(further);
        }

        return reached;
    }
}
