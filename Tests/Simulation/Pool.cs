using System.Collections.Immutable;
using ActorStreams.Definitions;
using ActorStreams.Reducing;

namespace ActorStreams.Tests.Simulation;

/// <summary>What the simulation's views measure of a source: implemented explicitly, so that it is no part of a stored state.</summary>
internal interface IMeasured
{
    long Measure { get; }

    /// <summary>A view of this state throws. Only entities say so: the states that a view passes through differ from run to run.</summary>
    bool IsPoison => false;
}

/// <summary>An event of the simulation's entities.</summary>
internal sealed record Put(string Kind, int Value);

internal sealed record Item(int Value, int Events, DateTimeOffset Last) : IEntity<Item, Put>, IMeasured
{
    internal const int Poison = 13;

    long IMeasured.Measure => Value;

    bool IMeasured.IsPoison => Value % 17 == 16;

    public static Item? Apply(Item? state, in Record<Put> record) => record.Value switch
    {
        { Value: Poison } => throw new InvalidOperationException("Thirteen cannot be folded."),
        { Kind: "third" } when (state?.Value ?? 0) % 3 != 0 => throw new InvalidOperationException("Only every third value will do."),
        { Kind: "add" } add => new((state?.Value ?? 0) + add.Value, (state?.Events ?? 0) + 1, record.Time),
        { Kind: "end" } => null,
        { Kind: "same" } => state,
        var put => new(put.Value, (state?.Events ?? 0) + 1, record.Time),
    };
}

internal sealed record Person(decimal Weight) : IEntity<Person, Put>, IMeasured
{
    long IMeasured.Measure => (long)Weight;

    public static Person? Apply(Person? state, in Record<Put> record) => new((record.Value.Value * 0.50m) + ((state?.Weight ?? 0) % 7));
}

/// <summary>A counter and a sum.</summary>
internal sealed record Tally<TSource>(int Count, long Sum) : IView<Tally<TSource>, TSource>, IMeasured
    where TSource : class, IMeasured
{
    long IMeasured.Measure => Sum;

    public static IEnumerable<string> KeysOf(string key, TSource source) => [$"t{source.Measure % 3}"];

    public static Tally<TSource>? Apply(Tally<TSource>? state, in Change<TSource> change)
    {
        if (change.After?.IsPoison == true)
            throw new InvalidOperationException("Poison.");
        var tally = new Tally<TSource>((state?.Count ?? 0) + change.Count, (state?.Sum ?? 0) + change.Sum(source => source.Measure));
        // Where a change was set aside, the number alone may be zero while the sum is not.
        return tally is { Count: 0, Sum: 0 } ? null : tally;
    }
}

/// <summary>A sum of decimals of different scales: what was added and taken back must leave no digit behind.</summary>
internal sealed record Money<TSource>(int Count, decimal Total) : IView<Money<TSource>, TSource>, IMeasured
    where TSource : class, IMeasured
{
    long IMeasured.Measure => (long)Total;

    public static IEnumerable<string> KeysOf(string key, TSource source) => [$"t{source.Measure % 4}"];

    public static Money<TSource>? Apply(Money<TSource>? state, in Change<TSource> change)
    {
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0 ? null : new(count, (state?.Total ?? 0) + change.Sum(Price));
    }

    private static decimal Price(TSource source) => source.Measure % 2 == 0 ? source.Measure : source.Measure * 0.25m;
}

/// <summary>Several keys a source, some named twice; a source of a certain measure cannot be routed.</summary>
internal sealed record Spread<TSource>(int Count, long Sum) : IView<Spread<TSource>, TSource>, IMeasured
    where TSource : class, IMeasured
{
    long IMeasured.Measure => Sum;

    public static IEnumerable<string> KeysOf(string key, TSource source)
    {
        yield return "all";
        if (source.Measure % 19 == 7)
            throw new InvalidOperationException("This one concerns nobody knows whom.");
        yield return $"s{source.Measure % 4}";
        yield return $"s{source.Measure % 5}";
    }

    public static Spread<TSource>? Apply(Spread<TSource>? state, in Change<TSource> change)
    {
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0 ? null : new(count, (state?.Sum ?? 0) + change.Sum(source => source.Measure));
    }
}

/// <summary>A maximum, with who has it.</summary>
internal sealed record Peak<TSource>(string Key, long Value) : IReducingView<Peak<TSource>, TSource>, IMeasured
    where TSource : class, IMeasured
{
    private static readonly Ranking<TSource, long> Highest = Reduce.Max((TSource source) => source.Measure);

    long IMeasured.Measure => Value;

    public static IReadOnlyList<Reduction<TSource>> Reductions => [Highest];

    public static IEnumerable<string> KeysOf(string key, TSource source) => [$"p{source.Measure % 2}"];

    public static Peak<TSource>? Apply(Peak<TSource>? state, in Change<TSource> change, in Reduced<TSource> reduced)
    {
        if (change.After?.IsPoison == true)
            throw new InvalidOperationException("Poison.");
        return reduced.First(Highest) is { } first ? new(first.Key, first.Value) : null;
    }
}

/// <summary>The first three, the last two of those that take part, and how many different ones there are.</summary>
internal sealed record Podium<TSource>(IReadOnlyList<Ranked<long>> Top, IReadOnlyList<Ranked<long>> Bottom, long Different)
    : IReducingView<Podium<TSource>, TSource>, IMeasured
    where TSource : class, IMeasured
{
    private static readonly Ranking<TSource, long> Three = Reduce.Top(3, (TSource source) => source.Measure);
    private static readonly Ranking<TSource, long> Two = Reduce.Bottom(
        2, (TSource source) => source.Measure, source => source.Measure % 3 != 0);
    private static readonly DistinctCount<TSource, string> Names = Reduce.Distinct((TSource source) => $"n{source.Measure % 6}");

    long IMeasured.Measure => Different;

    public static IReadOnlyList<Reduction<TSource>> Reductions => [Three, Two, Names];

    public static IEnumerable<string> KeysOf(string key, TSource source) => [$"q{key.Length % 2}", "all"];

    public static Podium<TSource>? Apply(Podium<TSource>? state, in Change<TSource> change, in Reduced<TSource> reduced)
    {
        var top = reduced.All(Three);
        return top.Count == 0 ? null : new(top, reduced.All(Two), reduced.Count(Names));
    }
}

/// <summary>A join: one source folded, the other reduced.</summary>
internal sealed record Both<TLeft, TRight>(
    int Lefts, long Sum, long? Smallest) : IView<Both<TLeft, TRight>, TLeft>, IReducingView<Both<TLeft, TRight>, TRight>, IMeasured
    where TLeft : class, IMeasured
    where TRight : class, IMeasured
{
    private static readonly Ranking<TRight, long> Lowest = Reduce.Min((TRight source) => source.Measure);

    long IMeasured.Measure => Sum;

    public static IReadOnlyList<ViewSource<Both<TLeft, TRight>>> Sources =>
        [ViewSource.Of<Both<TLeft, TRight>, TLeft>(), ViewSource.Reducing<Both<TLeft, TRight>, TRight>()];

    public static IReadOnlyList<Reduction<TRight>> Reductions => [Lowest];

    public static IEnumerable<string> KeysOf(string key, TLeft source) => [$"b{source.Measure % 3}"];

    public static IEnumerable<string> KeysOf(string key, TRight source) => [$"b{source.Measure % 2}"];

    public static Both<TLeft, TRight>? Apply(Both<TLeft, TRight>? state, in Change<TLeft> change) =>
        OrNull(new((state?.Lefts ?? 0) + change.Count, (state?.Sum ?? 0) + change.Sum(source => source.Measure), state?.Smallest));

    public static Both<TLeft, TRight>? Apply(Both<TLeft, TRight>? state, in Change<TRight> change, in Reduced<TRight> reduced) =>
        OrNull(new(state?.Lefts ?? 0, state?.Sum ?? 0, reduced.First(Lowest)?.Value));

    private static Both<TLeft, TRight>? OrNull(Both<TLeft, TRight> state) => state is { Lefts: 0, Smallest: null } ? null : state;
}

/// <summary>Keys made of decimals, which in memory may have zeros that their stored form has not.</summary>
internal sealed record Scale(int Count) : IView<Scale, Person>, IMeasured
{
    long IMeasured.Measure => Count;

    public static IEnumerable<string> KeysOf(string key, Person source) => [source.Weight.ToString(CultureInfo.InvariantCulture)];

    public static Scale? Apply(Scale? state, in Change<Person> change) =>
        (state?.Count ?? 0) + change.Count is var count && count == 0 ? null : new(count);
}

/// <summary>Sets and dictionaries, which enumerate in an order of their own.</summary>
internal sealed record Group(ImmutableHashSet<string> Members, ImmutableDictionary<string, long> Measures) : IView<Group, Item>, IMeasured
{
    long IMeasured.Measure => Measures.Values.Sum();

    public static IEnumerable<string> KeysOf(string key, Item source) => [$"g{source.Value % 2}"];

    public static Group? Apply(Group? state, in Change<Item> change)
    {
        var group = state ?? new(ImmutableHashSet.Create<string>(StringComparer.OrdinalIgnoreCase), []);
        if (change.Before is not null)
            group = new(group.Members.Remove(change.Key), group.Measures.Remove(change.Key));
        if (change.After is { } after)
            group = new(group.Members.Add(change.Key), group.Measures.SetItem(change.Key, after.Value));
        return group.Members.IsEmpty ? null : group;
    }
}

/// <summary>A key for each member of a group, in the order in which the group's set enumerates.</summary>
internal sealed record Member(int Groups, long Sum) : IView<Member, Group>, IMeasured
{
    long IMeasured.Measure => Sum;

    public static IEnumerable<string> KeysOf(string key, Group source) => source.Members;

    public static Member? Apply(Member? state, in Change<Group> change)
    {
        var groups = (state?.Groups ?? 0) + change.Count;
        return groups == 0 ? null : new(groups, (state?.Sum ?? 0) + change.Sum(group => group.Measures.Count));
    }
}

/// <summary>Throws at either side that is poison, and sums and ranks the others: what it holds is the fold of those alone.</summary>
internal sealed record Fragile(int Count, long Sum, long Most, long Different) : IReducingView<Fragile, Item>, IMeasured
{
    private static readonly Ranking<Item, long> Highest = Reduce.Max((Item item) => (long)item.Value);
    private static readonly DistinctCount<Item, int> Remainders = Reduce.Distinct((Item item) => item.Value % 5);

    long IMeasured.Measure => Sum;

    public static IReadOnlyList<Reduction<Item>> Reductions => [Highest, Remainders];

    public static IEnumerable<string> KeysOf(string key, Item source) => [$"f{source.Value % 2}"];

    public static Fragile? Apply(Fragile? state, in Change<Item> change, in Reduced<Item> reduced)
    {
        if (IsPoison(change.Before) || IsPoison(change.After))
            throw new InvalidOperationException("Poison.");
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0
            ? null
            : new(count, (state?.Sum ?? 0) + change.Sum(item =>
                item.Value), reduced.First(Highest)!.Value.Value, reduced.Count(Remainders));
    }

    internal static bool IsPoison(Item? item) => item?.Value % 3 == 0;
}
