using ActorStreams.Log;
using ActorStreams.Partitions;
using ActorStreams.Partitions.Reading;
using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Watching;
using Microsoft.Extensions.Time.Testing;
using static ActorStreams.Tests.Partitions.EngineRig;

namespace ActorStreams.Tests.Partitions;

public sealed class WatchTests
{
    [Fact]
    public async Task Of_many_watchers_that_come_while_a_partition_closes_none_is_left_deaf()
    {
        for (var round = 0; round < 20; round++)
        {
            await using var rig = new EngineRig();
            await rig.CreateTopicsAsync();
            await rig.AppendAsync("a", 1);
            var runner = rig.Start<Purse>();
            await UntilAsync(runner, () => runner.Readable?.Fold.NextOffset == 1);
            var watches = Enumerable.Range(0, 64)
                .Select(i => Task.Run(() => EndOfAsync(runner, i % 2 == 0 ? null : new(0, 0, 0)))).ToList();
            var close = Task.Run(async () => await runner.DisposeAsync(), Stop);
            foreach (var end in await Task.WhenAll(watches).WaitAsync(TimeSpan.FromSeconds(30), Stop))
                Assert.True(end is PartitionClosedException or WatchEndedException, $"The watch ended by {end}.");
            await close;
        }
    }

    [Fact]
    public async Task A_watch_is_resumed_where_the_new_owner_does_not_know_the_end_of_the_log_yet()
    {
        await using var rig = new EngineRig();
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1, 2, 3);
        var runner = rig.Start<Purse>();
        rig.Log.StaleEnd = 0;
        await UntilAsync(runner, () => runner.Readable is not null);
        await using var watch = runner.WatchAsync("a", new(0, 2, 0), Stop).GetAsyncEnumerator(Stop);
        var next = watch.MoveNextAsync().AsTask();
        await UntilAsync(runner, () => runner.Watches.Count == 1);
        await rig.AppendAsync("a", 4);
        Assert.True(await next);
        Assert.Equal(3, watch.Current.Change!.Position.Offset);
    }

    [Fact]
    public async Task A_position_that_no_log_has_given_out_is_refused()
    {
        await using var rig = new EngineRig();
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1);
        var runner = rig.Start<Purse>();
        var error = await Assert.ThrowsAsync<UnknownPositionException>(async () => await runner.WatchAsync("a", new(0, 7, 0), Stop)
            .GetAsyncEnumerator(Stop).MoveNextAsync());
        Assert.Contains("that log ends at 1", error.Message);
    }

    [Fact]
    public async Task A_key_that_has_not_changed_costs_a_returning_watcher_no_pass_over_the_log()
    {
        await using var rig = new EngineRig();
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1);
        await rig.AppendAsync("b", [.. Enumerable.Range(0, 100)]);
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.Readable?.Fold.NextOffset == 101);
        var reads = rig.Log.ReadsFromBeginning;
        await using var watch = runner.WatchAsync("a", new(0, 0, 0), Stop).GetAsyncEnumerator(Stop);
        var next = watch.MoveNextAsync().AsTask();
        await UntilAsync(runner, () => runner.Watches.Count == 1);
        await rig.AppendAsync("a", 5);
        Assert.True(await next);
        Assert.Equal(101, watch.Current.Change!.Position.Offset);
        Assert.Equal(reads, rig.Log.ReadsFromBeginning);
    }

    [Fact]
    public async Task Many_watchers_that_come_back_share_passes_over_the_log()
    {
        const int Watchers = 200;
        await using var rig = new EngineRig();
        await rig.CreateTopicsAsync();
        for (var i = 0; i < Watchers; i++)
            await rig.AppendAsync($"k{i}", 1, 2);
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.Readable?.Fold.NextOffset == 2 * Watchers);
        var reads = rig.Log.ReadsFromBeginning;
        for (var pass = 0; pass < rig.Services.Options.MaxHistoryFolds; pass++)
            await rig.Services.HistoryFolds.WaitAsync(Stop);
        var watches = Task.WhenAll(Enumerable.Range(0, Watchers).Select(i => Task.Run(async () =>
        {
            await using var watch = runner.WatchAsync($"k{i}", new(0, 2 * i, 0), Stop).GetAsyncEnumerator(Stop);
            Assert.True(await watch.MoveNextAsync());
            return watch.Current.Change!.Position.Offset - (2 * i);
        })));
        await UntilAsync(runner, () => runner.Watches.Count == Watchers);
        rig.Services.HistoryFolds.Release(rig.Services.Options.MaxHistoryFolds);
        var changes = await watches;
        Assert.All(changes, offset => Assert.Equal(1, offset));
        Assert.InRange(rig.Log.ReadsFromBeginning - reads, 1, Watchers / 4);
    }

    [Fact]
    public async Task A_watch_that_is_refused_leaves_no_key_behind()
    {
        await using var rig = new EngineRig(new() { MaxWatchers = 1 });
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1);
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.Readable?.Fold.NextOffset == 1);
        await using var first = runner.WatchAsync("a", null, Stop).GetAsyncEnumerator(Stop);
        Assert.True(await first.MoveNextAsync());
        await Assert.ThrowsAsync<WatchEndedException>(async () => await runner.WatchAsync("b", null, Stop).GetAsyncEnumerator(Stop)
            .MoveNextAsync());
        Assert.Equal(["a"], runner.Watches.Keys);
        Assert.Equal(["a"], runner.Session!.Fold.WatchedKeys);
    }

    [Fact]
    public async Task A_partition_at_rest_forgets_the_keys_that_nobody_watches_any_more()
    {
        var time = new FakeTimeProvider();
        await using var rig = new EngineRig(new() { WatchHistorySeconds = 60 }, time);
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1);
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.Readable?.Fold.NextOffset == 1);
        await using (var watch = runner.WatchAsync("a", null, Stop).GetAsyncEnumerator(Stop))
            Assert.True(await watch.MoveNextAsync());
        Assert.Equal(["a"], runner.Watches.Keys);
        for (var i = 0; i < 8; i++)
            time.Advance(TimeSpan.FromSeconds(15));
        Assert.Empty(runner.Watches.Keys);
        Assert.Empty(runner.Session!.Fold.WatchedKeys);
    }

    private static async Task<Exception?> EndOfAsync(PartitionRunner runner, ChangePosition? since)
    {
        try
        {
            await foreach (var _ in runner.WatchAsync("a", since, Stop))
            {
            }

            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }
}
