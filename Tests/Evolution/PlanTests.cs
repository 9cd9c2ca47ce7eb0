using ActorStreams.Builds;
using ActorStreams.Definitions;

namespace ActorStreams.Tests.Evolution;

/// <summary>Which change of the definitions makes which builds: "what happens when I change …", before anything is folded.</summary>
public sealed class PlanTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    [Fact]
    public void The_same_definitions_need_no_other_build()
    {
        var first = Plan(new(), Base());
        Assert.Equal(["order@1", "spend@1", "tier@1"], first.Builds.Select(build => $"{build.Id}"));
        Assert.Same(first, Plan(first, Base()));
    }

    [Fact]
    public void A_new_view_is_active_at_once_and_one_that_is_taken_out_keeps_its_build()
    {
        var first = Plan(new(), Of(topology => topology.AddEntity<Sale<Once>>(Named("order"))));
        var both = Plan(first, Base());
        Assert.Equal(["spend@1", "tier@1"], Made(first, both));
        Assert.Equal(1, both.ActiveOf("tier")!.Number);
        Assert.Same(both, Plan(both, Of(topology => topology.AddEntity<Sale<Once>>(Named("order")))));
    }

    [Fact]
    public void Another_shape_of_the_event_is_another_build()
    {
        var first = Plan(new(), Of(topology => topology.AddEntity<Customer>(Named("customer"))));
        var next = Plan(first, Of(topology => topology.AddEntity<NicknamedCustomer>(Named("customer"))));
        Assert.Equal(["customer@2"], Made(first, next));
    }

    [Fact]
    public void A_view_that_lacked_changes_gets_another_build_when_it_is_put_back()
    {
        var first = Plan(new(), Base());
        var detached = first.With(new("tier", 1), build => build with { Detached = Now });
        var back = Plan(detached, Base());
        Assert.Equal(["tier@2"], Made(detached, back));
        Assert.Contains("lacks the changes since", back.Builds[^1].Why, StringComparison.Ordinal);
        Assert.Equal(1, back.ActiveOf("tier")!.Number);
    }

    [Theory]
    [InlineData("version of the entity", "order@2 spend@2 tier@2")]
    [InlineData("topic of the entity", "order@2 spend@2 tier@2")]
    [InlineData("member of the state", "order@2 spend@2 tier@2")]
    [InlineData("largest state", "order@2 spend@2 tier@2")]
    [InlineData("empty values", "order@2 spend@2 tier@2")]
    [InlineData("last writer", "order@2 spend@2 tier@2")]
    [InlineData("version of the view", "spend@2 tier@2")]
    [InlineData("partitions of the view", "spend@2 tier@2")]
    [InlineData("keys of the view", "spend@2 tier@2")]
    [InlineData("name of the last view", "other@1")]
    [InlineData("code alone", "")]
    public void A_change_makes_builds_of_what_it_concerns_and_of_what_is_folded_from_that(string change, string made)
    {
        var first = Plan(new(), Base());
        Assert.Equal(made, string.Join(' ', Made(first, Plan(first, Changed(change)))));
    }

    private static IReadOnlyList<Dataset> Changed(string change) => change switch
    {
        "version of the entity" => Base(entity: order => order.WithVersion(2)),
        "topic of the entity" => Base(entity: order => order.FromTopic("elsewhere")),
        "largest state" => Base(entity: order => order.WithMaxStateBytes(1_000)),
        "empty values" => Base(entity: order => order.EmptyIsTombstone()),
        "last writer" => Base(entity: order => order.LatestByTime()),
        "version of the view" => Base(view: spend => spend.WithVersion(2)),
        "partitions of the view" => Base(view: spend => spend.WithPartitions(9)),
        "keys of the view" => Base(view: spend => spend.WithMaxKeysPerState(9)),
        "name of the last view" => Base(last: "other"),
        "member of the state" => Of(topology => Views<PricedSale<Once>>(topology.AddEntity<PricedSale<Once>>(Named("order")))),
        // It folds three times as much, and nothing shows it.
        "code alone" => Of(topology => Views<Sale<Thrice>>(topology.AddEntity<Sale<Thrice>>(Named("order")))),
        _ => throw new ArgumentOutOfRangeException(nameof(change)),
    };

    private static IReadOnlyList<Dataset> Base(
        Action<EntityOptions>? entity = null, Action<ViewOptions>? view = null, string last = "tier") => Of(topology =>
        Views<Sale<Once>>(
            topology.AddEntity<Sale<Once>>(order =>
            {
                Named("order")(order);
                entity?.Invoke(order);
            }),
            view, last));

    private static void Views<TSale>(TopologyBuilder topology, Action<ViewOptions>? view = null, string last = "tier")
        where TSale : class, ISale => topology
        .AddView<Spend<TSale, Once>>(spend =>
        {
            spend.Named("spend");
            view?.Invoke(spend);
        })
        .AddView<Tier<Spend<TSale, Once>>>(tier => tier.Named(last));

    private static Action<EntityOptions> Named(string name) => order => order.Named(name).FromTopic("orders");

    private static IReadOnlyList<Dataset> Of(Action<TopologyBuilder> define)
    {
        var topology = new TopologyBuilder();
        define(topology);
        return topology.Build().Definitions;
    }

    private static BuildCatalog Plan(BuildCatalog catalog, IReadOnlyList<Dataset> definitions) =>
        catalog.Plan(definitions, "shop", Now);

    /// <summary>The state is the same.</summary>
    private sealed record NicknamedCustomer(string Name, int Records) : IEntity<NicknamedCustomer, Nicknamed>
    {
        public static NicknamedCustomer? Apply(NicknamedCustomer? state, in Record<Nicknamed> record) =>
            new(record.Value.Name + record.Value.Nickname, (state?.Records ?? 0) + 1);
    }

    private sealed record Nicknamed(string Name, string Nickname);

    private static IEnumerable<string> Made(BuildCatalog before, BuildCatalog after) =>
        after.Builds.Where(build => before.Find(build.Id) is null).Select(build => $"{build.Id}");
}
