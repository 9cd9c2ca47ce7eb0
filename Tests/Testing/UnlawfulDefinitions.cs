using System.Text.Json.Serialization;
using ActorStreams.Definitions;
using ActorStreams.Reducing;

namespace ActorStreams.Tests.Testing;

internal sealed record Point(string Group, int Value, double Weight = 0);

/// <summary>A maximum without contributions: it cannot be taken back.</summary>
internal sealed record PlainMax(int Count, int Max) : IView<PlainMax, Point>
{
    public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

    public static PlainMax? Apply(PlainMax? state, in Change<Point> change)
    {
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0 ? null : new(count, Math.Max(state?.Max ?? 0, change.After?.Value ?? 0));
    }
}

internal sealed record LastWins(int Count, int Value) : IView<LastWins, Point>
{
    public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

    public static LastWins? Apply(LastWins? state, in Change<Point> change)
    {
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0 ? null : new(count, change.After?.Value ?? state?.Value ?? 0);
    }
}

/// <summary>Retracts as it should, but the order of the list is that in which the sources came.</summary>
internal sealed record Appended(IReadOnlyList<string> Keys) : IView<Appended, Point>
{
    public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

    public static Appended? Apply(Appended? state, in Change<Point> change)
    {
        var source = change.Key;
        var keys = change.Before is not null && change.After is not null
            ? state?.Keys ?? []
            : (state?.Keys ?? []).Where(k => k != source).ToList();
        if (change.Before is null)
            keys = [.. keys, source];
        return keys.Count == 0 ? null : new(keys);
    }
}

internal sealed record Endless(IReadOnlyList<int> Values) : IView<Endless, Point>
{
    public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

    public static Endless? Apply(Endless? state, in Change<Point> change) => new([.. state?.Values ?? [], change.After?.Value ?? 0]);
}

internal sealed record DoubleSum(int Count, double Sum) : IView<DoubleSum, Point>
{
    public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

    public static DoubleSum? Apply(DoubleSum? state, in Change<Point> change)
    {
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0 ? null : new(count, (state?.Sum ?? 0) + (change.After?.Weight ?? 0) - (change.Before?.Weight ?? 0));
    }
}

internal sealed record Forgetful(int Count, int Doubled) : IView<Forgetful, Point>
{
    [JsonIgnore]
    public int Sum { get; init; }

    public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

    public static Forgetful? Apply(Forgetful? state, in Change<Point> change)
    {
        var (count, sum) = ((state?.Count ?? 0) + change.Count, (state?.Sum ?? 0) + change.Sum(point => point.Value));
        return count == 0 ? null : new(count, 2 * sum) { Sum = sum };
    }
}

internal sealed record Stamped(int Count, string Mark) : IView<Stamped, Point>
{
    internal static Func<string> Source { get; set; } = () => "";

    public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

    public static Stamped? Apply(Stamped? state, in Change<Point> change)
    {
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0 ? null : new(count, Source());
    }
}

internal sealed record Scattered(int Count) : IView<Scattered, Point>
{
    public static IEnumerable<string> KeysOf(string key, Point source) => [$"{source.Group}{Random.Shared.Next(1000)}"];

    public static Scattered? Apply(Scattered? state, in Change<Point> change) => new((state?.Count ?? 0) + change.Count);
}

/// <summary>A reduction that is not kept right by its fold: it remembers the largest it ever saw beside the one there is.</summary>
internal sealed record EverMax(int Now, int Ever) : IReducingView<EverMax, Point>
{
    private static readonly Ranking<Point, int> Highest = Reduce.Max((Point point) => point.Value);

    public static IReadOnlyList<Reduction<Point>> Reductions => [Highest];

    public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

    public static EverMax? Apply(EverMax? state, in Change<Point> change, in Reduced<Point> reduced) =>
        reduced.First(Highest) is { } first ? new(first.Value, Math.Max(first.Value, state?.Ever ?? 0)) : null;
}

internal sealed record Timer(int Events, DateTime At) : IEntity<Timer, Point>
{
    public static Timer? Apply(Timer? state, in Record<Point> record) => new((state?.Events ?? 0) + 1, DateTime.UtcNow);
}

internal sealed record Global(int Total) : IEntity<Global, Point>
{
    private static int s_total;

    public static Global? Apply(Global? state, in Record<Point> record) =>
        new(state is null ? s_total = record.Value.Value : s_total += record.Value.Value);
}

internal sealed record Hidden(int Shown) : IEntity<Hidden, Point>
{
    [JsonIgnore]
    public int Events { get; init; }

    public static Hidden? Apply(Hidden? state, in Record<Point> record) =>
        new((state?.Events ?? 0) + 1) { Events = (state?.Events ?? 0) + 1 };
}
