using ActorStreams.Samples.GitHistory;
using ActorStreams.Samples.Shop;
using ActorStreams.Testing;

namespace ActorStreams.Tests.Testing;

public sealed class GivenTests
{
    private static GivenLog Shop => Given.Topology(ShopDefinitions.AddTo);

    [Fact]
    public void An_order_is_what_its_records_say() => Given<Order, OrderEvent>
        .Records(("o1", new Placed("ann", 10)), ("o1", new Moved("bob")), ("o2", new Placed("ann", 1)))
        .Then("o1", new Order("bob", 10))
        .Tombstones<Order>("o2")
        .ThenNothing<Order>("o2")
        .ThenDeadLetters(0);

    [Fact]
    public void A_customer_who_gets_an_order_spends_more() => Shop
        .Records<Order, OrderEvent>(("o1", new Placed("ann", 10)), ("o2", new Placed("bob", 5)))
        .Then("bob", new Spend(1, 5))
        .Records<Order, OrderEvent>(("o2", new Moved("ann")))
        .Then("ann", new Spend(2, 15))
        .ThenNothing<Spend>("bob");

    [Fact]
    public void A_file_knows_when_it_was_touched()
    {
        var (first, last) =
            (new DateTimeOffset(2025, 5, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2025, 6, 1, 0, 0, 0, TimeSpan.Zero));
        FileChange Change(string status) => new("c", 1, 0, "ann", "a.cs", status, 3, 1);
        Given.Topology(GitHistoryDefinitions.AddTo)
            .At(first).Records<SourceFile, FileChange>(("src/a.cs", Change("A")))
            .At(last).Records<SourceFile, FileChange>(("src/a.cs", Change("M")))
            .Then("src/a.cs", new SourceFile(4, 2, "ann", false, first, last))
            .Then("src", new Folder(1, 4))
            .Then(Leaderboard.Key, new Leaderboard([new("ann", 4)]));
    }

    [Fact]
    public void A_record_that_cannot_be_decoded_is_a_dead_letter() =>
        Shop.Raw<Order>("o1", "{").ThenDeadLetters(1).ThenNothing<Order>("o1");

    [Fact]
    public void A_failure_shows_both_states_as_json()
    {
        var error = Assert.Throws<TestKitException>(() =>
            Shop.Records<Order, OrderEvent>(("o1", new Placed("ann", 10))).Raw<Order>("o1", "{").Then("ann", new Spend(1, 11)));
        Assert.Contains("expected {\"orders\":1,\"total\":11}", error.Message);
        Assert.Contains("actual   {\"orders\":1,\"total\":10}", error.Message);
        Assert.Contains("Dead letters:", error.Message);
    }
}
