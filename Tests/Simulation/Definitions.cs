using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using ActorStreams.Definitions;

namespace ActorStreams.Tests.Simulation;

/// <summary>
/// A word whose hash differs in every process, as that of a string does: sets of it enumerate in another order in each.
/// </summary>
[JsonConverter(typeof(Converter))]
internal readonly record struct Tag(string Word)
{
    /// <summary>Stands for the seed of hashes, of which each process has its own: set before anything of a silo runs.</summary>
    [ThreadStatic]
    private static int t_process;

    internal static int Process
    {
        set => t_process = value;
    }

    public override int GetHashCode() => Hash(Word, t_process);

    /// <summary>The same in every run of the tests, unlike <see cref="string.GetHashCode()"/>.</summary>
    internal static int Hash(string word, int process)
    {
        var hash = 17 + (process * 7_919);
        foreach (var letter in word)
            hash = (hash ^ letter) * 16_777_619;
        return hash ^ (hash >> 15);
    }

    private sealed class Converter : JsonConverter<Tag>
    {
        public override Tag Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, Tag value, JsonSerializerOptions options) => writer.WriteStringValue(value.Word);
    }
}

internal sealed record Offered(decimal Price, string[] Tags);

/// <summary>A price as it was written, with its trailing zeros, and a set.</summary>
internal sealed record Offer(decimal Price, ImmutableHashSet<Tag> Tags) : IEntity<Offer, Offered>, IMeasured
{
    long IMeasured.Measure => (long)(Price * 4);

    public static Offer? Apply(Offer? state, in Record<Offered> record) => new(
        record.Value.Price < 0 ? (state?.Price ?? 0) - record.Value.Price : record.Value.Price,
        (state?.Tags ?? []).Count > 4 ? [] : (state?.Tags ?? []).Union(record.Value.Tags.Select(tag => new Tag(tag))));
}

/// <summary>Keyed by a decimal's text.</summary>
internal sealed record ByPrice(int Count, decimal Total) : IView<ByPrice, Offer>, IMeasured
{
    long IMeasured.Measure => (long)Total;

    public static IEnumerable<string> KeysOf(string key, Offer source) => [source.Price.ToString(CultureInfo.InvariantCulture)];

    public static ByPrice? Apply(ByPrice? state, in Change<Offer> change)
    {
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0 ? null : new(count, (state?.Total ?? 0) + change.Sum(offer => offer.Price));
    }
}

/// <summary>Keyed by the elements of a set, in whatever order it enumerates them.</summary>
internal sealed record ByTag(int Count, decimal Total) : IView<ByTag, Offer>, IMeasured
{
    long IMeasured.Measure => Count;

    public static IEnumerable<string> KeysOf(string key, Offer source) => source.Tags.Select(tag => tag.Word);

    public static ByTag? Apply(ByTag? state, in Change<Offer> change)
    {
        var count = (state?.Count ?? 0) + change.Count;
        return count == 0 ? null : new(count, (state?.Total ?? 0) + change.Sum(offer => offer.Price));
    }
}

/// <summary>A sum of decimals beside an immutable collection: read back at each step, and kept as it was read.</summary>
internal sealed record Basket(decimal Total, ImmutableList<string> Keys) : IView<Basket, Offer>, IMeasured
{
    long IMeasured.Measure => (long)Total;

    public static IEnumerable<string> KeysOf(string key, Offer source) => [$"b{key[^1] % 2}"];

    public static Basket? Apply(Basket? state, in Change<Offer> change)
    {
        var keys = state?.Keys ?? [];
        if (change.Before is not null)
            keys = keys.Remove(change.Key);
        if (change.After is not null)
            keys = keys.Add(change.Key).Sort(StringComparer.Ordinal);
        return keys.IsEmpty ? null : new((state?.Total ?? 0) + change.Sum(offer => offer.Price), keys);
    }
}

/// <summary>Keyed by the text of a frozen state's decimal.</summary>
internal sealed record ByTotal(int Count) : IView<ByTotal, Basket>, IMeasured
{
    long IMeasured.Measure => Count;

    public static IEnumerable<string> KeysOf(string key, Basket source) => [source.Total.ToString(CultureInfo.InvariantCulture)];

    public static ByTotal? Apply(ByTotal? state, in Change<Basket> change) =>
        (state?.Count ?? 0) + change.Count is var count && count == 0 ? null : new(count);
}

/// <summary>Random topologies: one to three entities, and views of them, of views, and of two sources.</summary>
internal static class Topologies
{
    internal const string Items = "items";
    internal const string People = "people";
    private const string Offers = "offers";
    private const int Count = 200;


    private static readonly Entry[] Entries =
    [
        new(typeof(Tally<Item>), [typeof(Item)], (t, o) => t.AddView<Tally<Item>>(o)),
        new(typeof(Money<Item>), [typeof(Item)], (t, o) => t.AddView<Money<Item>>(o)),
        new(typeof(Spread<Item>), [typeof(Item)], (t, o) => t.AddView<Spread<Item>>(o)),
        new(typeof(Peak<Item>), [typeof(Item)], (t, o) => t.AddView<Peak<Item>>(o)),
        new(typeof(Podium<Item>), [typeof(Item)], (t, o) => t.AddView<Podium<Item>>(o)),
        new(typeof(Both<Item, Person>), [typeof(Item), typeof(Person)], (t, o) => t.AddView<Both<Item, Person>>(o)),
        new(typeof(Podium<Person>), [typeof(Person)], (t, o) => t.AddView<Podium<Person>>(o)),
        new(typeof(Scale), [typeof(Person)], (t, o) => t.AddView<Scale>(o)),
        new(typeof(Group), [typeof(Item)], (t, o) => t.AddView<Group>(o)),
        new(typeof(Member), [typeof(Group)], (t, o) => t.AddView<Member>(o)),
        new(typeof(Fragile), [typeof(Item)], (t, o) => t.AddView<Fragile>(o)),
        new(typeof(Money<Fragile>), [typeof(Fragile)], (t, o) => t.AddView<Money<Fragile>>(o)),
        new(typeof(ByPrice), [typeof(Offer)], (t, o) => t.AddView<ByPrice>(o)),
        new(typeof(ByTag), [typeof(Offer)], (t, o) => t.AddView<ByTag>(o)),
        new(typeof(Peak<Offer>), [typeof(Offer)], (t, o) => t.AddView<Peak<Offer>>(o)),
        new(typeof(Both<Offer, Person>), [typeof(Offer), typeof(Person)], (t, o) => t.AddView<Both<Offer, Person>>(o)),
        new(typeof(Tally<Tally<Item>>), [typeof(Tally<Item>)], (t, o) => t.AddView<Tally<Tally<Item>>>(o)),
        new(typeof(Peak<Spread<Item>>), [typeof(Spread<Item>)], (t, o) => t.AddView<Peak<Spread<Item>>>(o)),
        new(typeof(Podium<Peak<Item>>), [typeof(Peak<Item>)], (t, o) => t.AddView<Podium<Peak<Item>>>(o)),
        new(typeof(Money<ByTag>), [typeof(ByTag)], (t, o) => t.AddView<Money<ByTag>>(o)),
        new(typeof(Both<Person, Tally<Item>>), [typeof(Person), typeof(Tally<Item>)], (t, o) => t.AddView<Both<Person, Tally<Item>>>(o)),
        new(typeof(Both<ByPrice, ByTag>), [typeof(ByPrice), typeof(ByTag)], (t, o) => t.AddView<Both<ByPrice, ByTag>>(o)),
        new(typeof(Basket), [typeof(Offer)], (t, o) => t.AddView<Basket>(o)),
        new(typeof(ByTotal), [typeof(Basket)], (t, o) => t.AddView<ByTotal>(o)),
        new(typeof(Podium<Tally<Tally<Item>>>), [typeof(Tally<Tally<Item>>)], (t, o) => t.AddView<Podium<Tally<Tally<Item>>>>(o)),
    ];

    // Building one takes longer than simulating it.
    private static readonly Lazy<Topology>[] Built =
        [.. Enumerable.Range(0, Count).Select(number => new Lazy<Topology>(() => Build(new(number))))];

    internal static Topology Of(int number) => Built[number % Count].Value;

    private static Topology Build(Random random)
    {
        var chosen = new HashSet<Type>();
        for (var wanted = random.Next(1, 5); wanted > 0; wanted--)
            Choose(Entries[random.Next(Entries.Length)].State, chosen);
        var topology = new TopologyBuilder();
        if (chosen.Contains(typeof(Item)))
            topology.AddEntity<Item>(entity => entity.FromTopic(Items).WithPartitions(random.Next(1, 4)));
        if (chosen.Contains(typeof(Person)))
            topology.AddEntity<Person>(entity => entity.FromTopic(People).WithPartitions(random.Next(1, 3)));
        if (chosen.Contains(typeof(Offer)))
            topology.AddEntity<Offer>(entity => entity.FromTopic(Offers).WithPartitions(random.Next(1, 4)));
        foreach (var entry in Entries.Where(entry => chosen.Contains(entry.State)))
        {
            var (partitions, place) = (random.Next(1, 4), Array.IndexOf(Entries, entry));
            entry.Add(topology, view => view.Named($"view-{place}").WithPartitions(partitions));
        }

        var built = topology.Build();
        foreach (var dataset in built.Datasets)
            dataset.Accept(new Measured());
        return built;
    }

    private static void Choose(Type state, HashSet<Type> chosen)
    {
        chosen.Add(state);
        foreach (var source in Entries.FirstOrDefault(entry => entry.State == state)?.Sources ?? [])
            Choose(source, chosen);
    }

    /// <summary>
    /// The first states of a type are written to be measured, the later ones estimated: so that all runs of a topology are alike.
    /// </summary>
    private sealed class Measured : IDatasetVisitor<bool>
    {
        public bool Entity<TState>(EntityDataset<TState> dataset)
            where TState : class => Measure(dataset);

        public bool View<TState>(ViewDataset<TState> dataset)
            where TState : class => Measure(dataset);

        private static bool Measure<TState>(Dataset<TState> dataset)
            where TState : class
        {
            for (var state = 0; state < 256; state++)
                dataset.StateShape.Measure(null!);
            return dataset.StateShape.IsMeasured;
        }
    }

    private sealed record Entry(Type State, Type[] Sources, Action<TopologyBuilder, Action<ViewOptions>> Add);
}
