using System.Collections.Immutable;
using ActorStreams.Definitions;

namespace ActorStreams.Tests.Folding;

/// <summary>A state is what its stored form reads back as (semantics §3).</summary>
public sealed class StoredStateTests
{
    [Fact]
    public async Task A_key_made_of_a_decimal_is_live_what_it_is_in_a_batch()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Priced>().AddView<ByPrice>()));
        await run.AppendAsync<Priced>("a", "{\"price\":10.50}"u8.ToArray());
        await run.AppendAsync<Priced>("b", "{\"price\":10.5}"u8.ToArray());
        await run.AppendAsync<Priced>("a", "{\"price\":8}"u8.ToArray());
        Assert.Equal(["10.5 {\"count\":1}", "8 {\"count\":1}"], await run.StatesAsync<ByPrice>());
        await run.AssertIsBatchAsync<ByPrice>();
    }

    [Fact]
    public async Task A_member_that_is_not_stored_is_not_seen_by_the_next_fold()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Forgetful>()));
        for (var i = 0; i < 3; i++)
            await run.AppendAsync<Forgetful>("k", new Step(1));
        Assert.Equal("{\"sum\":1}", await run.StateAsync<Forgetful>("k"));
        await run.AssertIsBatchAsync<Forgetful>();
    }

    [Fact]
    public async Task A_state_that_a_fold_changes_in_place_and_then_refuses_stays_as_it_was()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Mutable>()));
        foreach (var by in new[] { 1, -1, 2 })
            await run.AppendAsync<Mutable>("k", new Step(by));
        Assert.Equal("{\"steps\":[1,2]}", await run.StateAsync<Mutable>("k"));
        await run.AssertIsBatchAsync<Mutable>();
    }

    [Fact]
    public async Task Sets_and_dictionaries_are_stored_and_routed_in_one_order_whatever_order_they_enumerate_in()
    {
        string[] words = ["a", "b", "c", "d", "e", "f"];
        foreach (var salt in new[] { 1, 7, 1_000_003 })
        {
            var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Tagged>().AddView<ByTag>()));
            Tagged.Comparer = new SaltedComparer(salt);
            foreach (var word in words)
                await run.AppendAsync<Tagged>("k", new Named(word));
            Assert.Equal(
                "{\"tags\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"],\"seen\":{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1}}",
                    await run.StateAsync<Tagged>("k"));
            Assert.Equal(words.Select(word => $"{word} {{\"count\":1}}"), await run.StatesAsync<ByTag>());
            await run.AssertIsBatchAsync<ByTag>();
        }
    }

    internal sealed record Priced(decimal Price) : IEntity<Priced, Priced>
    {
        public static Priced? Apply(Priced? state, in Record<Priced> record) => record.Value;
    }

    internal sealed record ByPrice(int Count) : IView<ByPrice, Priced>
    {
        public static IEnumerable<string> KeysOf(string key, Priced source) => [source.Price.ToString(CultureInfo.InvariantCulture)];

        public static ByPrice? Apply(ByPrice? state, in Change<Priced> change) =>
            (state?.Count ?? 0) + change.Count is var count && count == 0 ? null : new(count);
    }

    internal sealed record Step(int By);

    internal sealed record Forgetful(int Sum) : IEntity<Forgetful, Step>
    {
        [System.Text.Json.Serialization.JsonIgnore]
        public int Hidden { get; init; }

        public static Forgetful? Apply(Forgetful? state, in Record<Step> record) =>
            new((state?.Hidden ?? 0) + record.Value.By) { Hidden = (state?.Hidden ?? 0) + 1 };
    }

    internal sealed record Mutable(List<int> Steps) : IEntity<Mutable, Step>
    {
        public static Mutable? Apply(Mutable? state, in Record<Step> record)
        {
            state ??= new([]);
            state.Steps.Add(record.Value.By);
            return record.Value.By > 0 ? state : throw new InvalidOperationException("Not this one.");
        }
    }

    internal sealed record Named(string Name);

    internal sealed record Tagged(ImmutableHashSet<string> Tags, IReadOnlyDictionary<string, int> Seen) : IEntity<Tagged, Named>
    {
        /// <summary>Stands for another process, in which strings have other hash codes.</summary>
        internal static IEqualityComparer<string> Comparer { get; set; } = StringComparer.Ordinal;

        public static Tagged? Apply(Tagged? state, in Record<Named> record)
        {
            var tags = (state?.Tags ?? []).Add(record.Value.Name).WithComparer(Comparer);
            return new(tags, tags.ToImmutableDictionary(tag => tag, _ => 1, Comparer));
        }
    }

    internal sealed record ByTag(int Count) : IView<ByTag, Tagged>
    {
        public static IEnumerable<string> KeysOf(string key, Tagged source) => source.Tags.WithComparer(Tagged.Comparer);

        public static ByTag? Apply(ByTag? state, in Change<Tagged> change) =>
            (state?.Count ?? 0) + change.Count is var count && count == 0 ? null : new(count);
    }

    private sealed class SaltedComparer(int salt) : IEqualityComparer<string>
    {
        public bool Equals(string? x, string? y) => x == y;

        public int GetHashCode(string obj) => unchecked((obj[0] * salt * 31) ^ (salt >> 3));
    }
}
