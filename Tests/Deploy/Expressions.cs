using System.Text.RegularExpressions;

namespace ActorStreams.Tests.Deploy;

/// <summary>What a query of Prometheus names: metrics, and the labels that it looks at or groups by.</summary>
internal static partial class Expressions
{
    internal static IReadOnlySet<string> MetricsOf(string query) =>
        Name().Matches(Grouping().Replace(Selector().Replace(query, " "), " ")).Select(match => match.Value)
            .Where(name => name.Contains('_', StringComparison.Ordinal) && !IsFunction(name)).ToHashSet(StringComparer.Ordinal);

    internal static IReadOnlySet<string> LabelsOf(string query) =>
        Selector().Matches(query).SelectMany(match => Matcher().Matches(match.Value)).Select(match => match.Groups[1].Value)
            .Concat(Grouping().Matches(query).SelectMany(match => match.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries)))
            .ToHashSet(StringComparer.Ordinal);

    private static bool IsFunction(string name) =>
        name is "histogram_quantile" or "label_values" || name.StartsWith("__", StringComparison.Ordinal);

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Selector();

    [GeneratedRegex(@"\bby \(([^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"(\w+)\s*(?:=~|!=|=)")]
    private static partial Regex Matcher();

    [GeneratedRegex(@"\b[a-z_][a-z0-9_]*\b(?!\()")]
    private static partial Regex Name();
}
