using ActorStreams.Definitions;
using ActorStreams.Reducing;
using ActorStreams.Samples.GitHistory;
using ActorStreams.Samples.Shop;
using ActorStreams.Testing;

namespace ActorStreams.Tests.Testing;

public sealed class LawsTests
{
    private const string Retract = "add then retract is identity";

    [Fact]
    public void The_shop_is_lawful()
    {
        Laws.CheckEntity<Order, OrderEvent>(random => random.Next(4) switch
        {
            0 => new Moved(Name(random)),
            1 => new Cancelled(),
            _ => new Placed(Name(random), Price(random)),
        });
        Laws.Check<Spend, Order>(random => new(Name(random), Price(random)));
    }

    [Fact]
    public void The_git_history_is_lawful()
    {
        Laws.CheckEntity<SourceFile, FileChange>(random => new(
            "c", 1, 0, Name(random), "p", "AMMD"[random.Next(4)].ToString(), random.Next(3) == 0 ? null : random.Next(50), random.Next(9)));
        Laws.Check<Folder, SourceFile>(File);
        Laws.Check<Author, SourceFile>(File);
        Laws.Check<Extension, SourceFile>(File);
        Laws.Check<Leaderboard, Author>(random => new(random.Next(9), random.Next(90)), new() { Keys = 14 });
    }

    [Fact]
    public void A_join_is_lawful_by_each_of_its_sources()
    {
        Laws.Check<Joined, Point>(Points);
        Laws.Check<Joined, Order>(random => new(Name(random), Price(random)));
    }

    [Fact]
    public void A_maximum_without_contributions_is_refused()
    {
        var error = Refused<PlainMax>(Retract);
        Assert.Contains("Reduce.Max", error.Message);
        Assert.Contains($"Seed = {error.Seed}", error.Message);
    }

    [Fact]
    public void The_history_of_a_violation_is_cut_down()
    {
        var error = Refused<PlainMax>(Retract, new() { Runs = 500, Seed = 1 });
        var history = error.Message.Split("History:\n")[1].Split("As it is")[0];
        Assert.InRange(history.Count(c => c == '\n'), 1, 2);
        Assert.Equal(error.Message, Refused<PlainMax>(Retract, new() { Runs = 1, Seed = error.Seed }).Message);
    }

    [Fact]
    public void The_last_change_across_source_keys_is_refused() => Refused<LastWins>(Retract);

    [Fact]
    public void A_list_in_the_order_of_arrival_is_refused() => Refused<Appended>("changes of different source keys may be swapped");

    [Fact]
    public void A_list_that_only_grows_is_refused() => Refused<Endless>(Retract);

    [Fact]
    public void A_sum_of_doubles_that_do_not_cancel_is_refused() => Refused<DoubleSum>(Retract);

    [Fact]
    public void A_view_that_remembers_a_former_maximum_is_refused() => Refused<EverMax>(Retract, new() { Runs = 300 });

    [Fact]
    public void A_member_that_matters_and_is_not_stored_is_refused()
    {
        Refused<Forgetful>("stored and read back, a state folds on the same");
        Assert.Equal(
            "stored and read back, a state folds on the same",
            Assert.Throws<LawViolationException>(() => Laws.CheckEntity<Hidden, Point>(Points)).Law);
    }

    [Fact]
    public void Clocks_randomness_and_new_ids_are_refused()
    {
        const string Twice = "the same input twice gives the same output";
        foreach (Func<string> source in (Func<string>[])
        [
            () => $"{DateTime.UtcNow:O}", () => $"{Random.Shared.NextDouble()}", () => $"{Guid.NewGuid()}",
            () => $"{DateTime.UtcNow.Ticks / 100_000}",
        ])
        {
            Stamped.Source = source;
            Refused<Stamped>(Twice);
        }

        Assert.Equal(Twice, Assert.Throws<LawViolationException>(() => Laws.CheckEntity<Timer, Point>(Points)).Law);
    }

    [Fact]
    public void Keys_that_are_not_told_by_the_state_are_refused() =>
        Refused<Scattered>("KeysOf tells the same keys of the same state, also when it was stored and read back");

    [Fact]
    public void An_entity_that_looks_at_other_keys_is_refused() =>
        Assert.Equal(
            "a key's state depends on its own records only",
            Assert.Throws<LawViolationException>(() => Laws.CheckEntity<Global, Point>(Points)).Law);

    private static LawViolationException Refused<TView>(string law, LawOptions? options = null)
        where TView : class, IView<TView>
    {
        var error = Assert.Throws<LawViolationException>(() => Laws.Check<TView, Point>(Points, options));
        Assert.True(law == error.Law, error.Message);
        return error;
    }

    private static Point Points(Random random) => new(random.Next(2) == 0 ? "a" : "b", random.Next(20), random.Next(100) / 10d);

    private static string Name(Random random) => random.Next(3) switch { 0 => "ann", 1 => "bob", _ => "cyd" };

    private static decimal Price(Random random) => random.Next(1_000) / (random.Next(2) == 0 ? 10m : 100m);

    private static SourceFile File(Random random) =>
        new(random.Next(40), random.Next(5), Name(random), false, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);

    internal sealed record Joined(int Points, decimal Best) : IView<Joined, Point>, IReducingView<Joined, Order>
    {
        private static readonly Ranking<Order, decimal> Dearest = Reduce.Max((Order order) => order.Total);

        public static IReadOnlyList<ViewSource<Joined>> Sources => [ViewSource.Of<Joined, Point>(), ViewSource.Reducing<Joined, Order>()];

        public static IReadOnlyList<Reduction<Order>> Reductions => [Dearest];

        public static IEnumerable<string> KeysOf(string key, Point source) => [source.Group];

        public static IEnumerable<string> KeysOf(string key, Order source) => ["a"];

        public static Joined? Apply(Joined? state, in Change<Point> change) =>
            OrNull(new((state?.Points ?? 0) + change.Count, state?.Best ?? 0));

        public static Joined? Apply(Joined? state, in Change<Order> change, in Reduced<Order> reduced) =>
            OrNull(new(state?.Points ?? 0, reduced.First(Dearest)?.Value ?? 0));

        private static Joined? OrNull(Joined joined) => joined is { Points: 0, Best: 0 } ? null : joined;
    }
}
