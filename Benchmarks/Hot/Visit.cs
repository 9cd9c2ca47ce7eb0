using ActorStreams.Definitions;
using ActorStreams.Reducing;

namespace ActorStreams.Benchmarks.Hot;

/// <summary>A visitor was at a page.</summary>
internal sealed record Visited(string Page, int Visitor, int Score, string Text);

/// <summary>The last visit of its key.</summary>
internal sealed record Visit(string Page, int Visitor, int Score, string Text) : IEntity<Visit, Visited>
{
    public static Visit? Apply(Visit? state, in Record<Visited> record) =>
        new(record.Value.Page, record.Value.Visitor, record.Value.Score, record.Value.Text);
}

/// <summary>How many different visitors a page has.</summary>
internal sealed record Audience(long Visitors) : IReducingView<Audience, Visit>
{
    private static readonly DistinctCount<Visit, int> Different = Reduce.Distinct((Visit visit) => visit.Visitor);

    public static IReadOnlyList<Reduction<Visit>> Reductions => [Different];

    public static IEnumerable<string> KeysOf(string key, Visit source) => [source.Page];

    public static Audience? Apply(Audience? state, in Change<Visit> change, in Reduced<Visit> reduced) => new(reduced.Count(Different));
}

/// <summary>The ten best visits of a page.</summary>
internal sealed record Best(IReadOnlyList<Ranked<int>> Visits) : IReducingView<Best, Visit>
{
    private static readonly Ranking<Visit, int> Ten = Reduce.Top(10, (Visit visit) => visit.Score);

    public static IReadOnlyList<Reduction<Visit>> Reductions => [Ten];

    public static IEnumerable<string> KeysOf(string key, Visit source) => [source.Page];

    public static Best? Apply(Best? state, in Change<Visit> change, in Reduced<Visit> reduced) => new(reduced.All(Ten));
}
