using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Definitions;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Setup;
using ActorStreams.Protocol;
using ActorStreams.Storage.Sqlite.States;
using ActorStreams.Tests.EndToEnd;
using Microsoft.Extensions.Logging.Abstractions;
using Difference = ActorStreams.Tests.Evolution.Deployment.Difference;

namespace ActorStreams.Tests.Evolution;

/// <summary>What a change of the definitions does to states that were folded before, on one silo that is stopped and started.</summary>
[Collection(BesideOthersCollection.Name)]
public sealed class CaseTests : EndToEndTest
{
    private readonly EvolvingHost _host = new();

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task A_view_that_was_taken_out_and_is_put_back_has_what_came_between()
    {
        await _host.DeployAsync();
        await _host.SellAsync(0, 30);
        await _host.ExactAsync();
        await _host.DeployAsync(Difference.WithoutSpend);
        await _host.SellAsync(20, 30); // some of them again
        await _host.AppendAsync(Deployment.Sales, ("s1", null));
        await _host.ExactAsync();
        Assert.Equal(["spend@1 frozen", "tier@1 frozen"], await _host.BuildsAsync("spend", "tier"));
        await _host.DeployAsync();
        await _host.ExactAsync();
        Assert.Equal(
            ["spend@1 frozen", "tier@1 frozen", "spend@2 active", "tier@2 active"], await _host.BuildsAsync("spend", "tier"));
    }

    [Fact]
    public async Task A_rebuild_that_was_cut_short_after_states_were_cleared_is_finished_by_an_ordinary_start()
    {
        await _host.DeployAsync();
        await _host.SellAsync(0, 30);
        await _host.ExactAsync();
        var all = (await _host.Client.Builds.ListAsync()).Count;
        await _host.StopAsync();
        var drops = NewRandom().Next(1, all);
        await using (var log = new StoppedLog(_host.Data))
        await using (var store = SqliteStateStore.Open(new() { Path = Path.Combine(_host.Data, "states.db") }))
        {
            var (topology, cut) = (_host.Topology, CutStore.Of(store, drops));
            var builds = new LiveBuilds(topology, cut, log.Log, TimeProvider.System, NullLogger<LiveBuilds>.Instance);
            await Assert.ThrowsAnyAsync<Exception>(() => new TopicSetup(topology, log.Log, cut, builds, TimeProvider.System)
                .ForgetAsync(TestContext.Current.CancellationToken));
        }

        await _host.DeployAsync();
        await _host.SellAsync(30, 5);
        await _host.ExactAsync();
        Assert.Equal(all, (await _host.Client.Builds.ListAsync()).Count);
    }

    [Fact]
    public async Task An_entity_without_views_that_gets_another_topic_begins_at_the_first_record_of_that_one()
    {
        static void Of(TopologyBuilder topology, string topic) =>
            topology.AddEntity<Customer>(customer => customer.Named("customer").FromTopic(topic).WithPartitions(1));
        await _host.DeployAsync(topology => Of(topology, "customers"));
        await _host.AppendAsync("customers", Enumerable.Range(0, 20).Select(i => ($"c{i}", (string?)"""{"name":"before"}""")));
        await _host.ExactAsync();
        await _host.DeployAsync(topology => Of(topology, "clients"));
        await _host.AppendAsync("clients", Enumerable.Range(0, 25).Select(i => ($"c{i}", (string?)"""{"name":"after"}""")));
        await _host.ExactAsync();
        Assert.Equal(25, (await _host.Client.AllAsync("customer")).Count);
        // Back at the topic before, it goes on where it was.
        await _host.DeployAsync(topology => Of(topology, "customers"));
        await _host.AppendAsync("customers", ("c0", """{"name":"back"}"""));
        await _host.ExactAsync();
        Assert.Equal(["customer@1 active", "customer@2 frozen"], await _host.BuildsAsync("customer"));
    }

    [Fact]
    public async Task A_changed_fold_and_a_changed_shape_are_served_from_builds_of_their_own()
    {
        await _host.DeployAsync();
        await _host.SellAsync(0, 30);
        await _host.ExactAsync();
        await _host.DeployAsync(Difference.TripledSpend);
        await _host.SellAsync(10, 30);
        await _host.ExactAsync();
        var why = (await _host.Client.Builds.ListAsync()).Where(build => build.Build == 2).Select(build => (build.Dataset, build.Why));
        Assert.Equal([("spend", "Changed: version 1 → 2."), ("tier", "Changed: source spend@2.")], why);
        await _host.DeployAsync(Difference.TripledSpend, Difference.PricedSale, Difference.TripledProfile);
        await _host.AppendAsync(
            Deployment.Sales, Enumerable.Range(0, 30).Select(i => ($"s{i}", (string?)"""{"type":"corrected","by":7}""")));
        await _host.ExactAsync();
        var sale = (await _host.Client.Builds.ListAsync()).Single(build => build is { Dataset: "sale", Build: 2 });
        Assert.Equal((1, true), (sale.Version, sale.IsActive));
        Assert.Contains("+ currency", sale.Why, StringComparison.Ordinal);
        // All of it at once, with the version of the entity.
        await _host.DeployAsync(Difference.TripledSale, Difference.WiderSpend, Difference.SummaryOfSpend, Difference.OtherTopic);
        await _host.SellAsync(0, 10, Deployment.OtherSales);
        await _host.ExactAsync();
    }

    [Fact]
    public async Task A_deployment_that_is_taken_back_is_served_from_what_it_had_folded_and_goes_on()
    {
        await _host.DeployAsync();
        await _host.SellAsync(0, 30);
        await _host.ExactAsync();
        await _host.DeployAsync(Difference.TripledSale);
        await _host.ExactAsync();
        Assert.Equal(["sale@1 frozen", "sale@2 active"], await _host.BuildsAsync("sale"));
        await _host.SellAsync(30, 10);
        await _host.DeployAsync();
        await _host.ExactAsync();
        Assert.Equal(["sale@1 active", "sale@2 frozen"], await _host.BuildsAsync("sale"));
        // What the other deployment made and nobody folds holds up no cutover.
        await _host.DeployAsync(Difference.TripledSpend);
        await _host.ExactAsync();
        Assert.Contains("spend@3 active", await _host.BuildsAsync("spend"));
    }

    [Fact]
    public async Task A_source_topic_that_was_made_again_stops_its_entity_until_that_is_rebuilt()
    {
        await _host.DeployAsync();
        await _host.SellAsync(0, 30);
        await _host.ExactAsync();
        await _host.StopAsync();
        await using (var log = new StoppedLog(_host.Data))
        {
            await log.Log.DeleteTopicAsync(Deployment.Sales);
            await log.Log.CreateTopicAsync(Deployment.Sales, Deployment.Partitions);
        }

        await _host.DeployAsync();
        await _host.SellAsync(25, 40); // more than there were
        await UntilAsync(
            async () => (await _host.Client.DatasetsAsync()).Single(one => one.Name == "sale").Status == PartitionState.Stopped, "stopped");
        Assert.Equal(30, (await _host.Client.AllAsync("sale")).Count);
        await _host.Client.Builds.RebuildAsync("sale");
        await _host.ExactAsync();
        Assert.Equal(40, (await _host.Client.AllAsync("sale")).Count);
    }

    [Fact]
    public async Task A_watch_from_before_a_rebuild_is_resumed_with_the_state_and_skips_nothing()
    {
        await _host.DeployAsync();
        for (var i = 1; i <= 20; i++)
            await _host.AppendAsync(Deployment.Sales, ("s", SalesFeed.Sold("c", "r", i)));
        await _host.ExactAsync();
        var before = await _host.Client.WatchAsync<JsonElement>("spend", "c").FirstAsync();
        Assert.StartsWith("b1/", before.Id, StringComparison.Ordinal);
        await _host.Client.Builds.RebuildAsync("sale");
        await _host.ExactAsync();
        // The input log of the new build is another one: it may not reach the position, and has other changes there.
        await using var watch = _host.Client.WatchAsync<JsonElement>("spend", "c", before.Id).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal((WatchEventKind.State, 2, 20), (watch.Current.Kind, watch.Current.Build, Total(watch.Current.After)));
        for (var i = 21; i <= 25; i++)
        {
            await _host.AppendAsync(Deployment.Sales, ("s", SalesFeed.Sold("c", "r", i)));
            Assert.True(await watch.MoveNextAsync());
            Assert.Equal((WatchEventKind.Change, i), (watch.Current.Kind, Total(watch.Current.After)));
        }

        static int Total(JsonElement state) => state.GetProperty("total").GetInt32();
    }
}
