using System.Text;
using ActorStreams.Batch;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Partitions.Reading;
using ActorStreams.Partitions.Running;
using ActorStreams.States;
using static ActorStreams.Tests.Partitions.EngineRig;

namespace ActorStreams.Tests.Partitions;

/// <summary>A partition that has stopped, and is told to set aside the record before which it stands.</summary>
public sealed class SetAsideTests
{
    [Fact]
    public async Task Of_a_partition_that_failed_three_times_the_record_is_set_aside_by_order_and_can_be_redriven()
    {
        await using var rig = new EngineRig();
        var runner = await StopAtBadAsync(rig);
        rig.Log.AppendFault = (topic, frames) => topic.EndsWith(".input", StringComparison.Ordinal)
            && frames.Any(frame => RunnerTests.IsOf("bad", frame)) ? new InvalidOperationException("refused for good") : null;

        await runner.SetAsideAsync(3).WaitAsync(Stop);
        Assert.Equal((RunnerStatus.Running, null, 1L), (runner.Status, runner.Reason, runner.OpenDeadLetters));
        Assert.True((await rig.Store.ReadCheckpointAsync(runner.Session!.Fold.Id, Stop))!.Position > 3);
        await UntilAsync(runner, () => runner.BehindRecords == 0);
        Assert.Equal(("""{"total":10}""", null), (await StateAsync(runner, "a"), await StateAsync(runner, "bad")));
        var letter = Assert.Single(await LettersAsync(rig));
        Assert.Equal(("purse@purse/0:3#0", "bad"), (letter.Id.ToString(), letter.Key));
        Assert.Contains("it failed 3 times: refused for good", letter.Reason, StringComparison.Ordinal);
        // Whoever did not get the answer orders it again, and gets it.
        await runner.SetAsideAsync(3).WaitAsync(Stop);

        rig.Log.AppendFault = (_, _) => null;
        await RedriveAsync(rig, letter);
        await RedriveAsync(rig, letter);
        await UntilAsync(runner, () => runner.OpenDeadLetters == 0 && runner.BehindRecords == 0);
        Assert.Equal("""{"total":7}""", await StateAsync(runner, "bad"));
    }

    [Fact]
    public async Task Only_the_record_before_which_the_partition_stands_is_taken()
    {
        await using var rig = new EngineRig();
        var runner = await StopAtBadAsync(rig);
        foreach (var offset in new long[] { 0, 2, 4, 99 })
        {
            var error = await Assert.ThrowsAsync<NotStoppedThereException>(() => runner.SetAsideAsync(offset));
            Assert.Contains("it has stopped at 3", error.Message, StringComparison.Ordinal);
        }

        rig.Log.AppendFault = (_, _) => null;
        await runner.SetAsideAsync(3).WaitAsync(Stop);
        await UntilAsync(runner, () => runner.BehindRecords == 0);
        var running = await Assert.ThrowsAsync<NotStoppedThereException>(() => runner.SetAsideAsync(4));
        Assert.Contains("it is running, at 5", running.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_order_is_kept_while_the_store_is_away_and_answered_when_the_checkpoint_is_written()
    {
        await using var rig = new EngineRig();
        var runner = await StopAtBadAsync(rig);
        rig.Log.AppendFault = (_, _) => null;
        rig.Store.Fault = new StoreUnavailableException("away");
        var order = runner.SetAsideAsync(3);
        Assert.Same(order, runner.SetAsideAsync(3));
        await UntilAsync(runner, () => runner.Status == RunnerStatus.Waiting && runner.Reason == "away");
        Assert.False(order.IsCompleted);
        rig.Store.Fault = null;
        await order.WaitAsync(Stop);
        Assert.Equal(1, runner.OpenDeadLetters);
    }

    [Fact]
    public async Task Where_it_fails_again_the_order_fails_and_the_partition_stands_as_before()
    {
        await using var rig = new EngineRig();
        var runner = await StopAtBadAsync(rig);
        rig.Store.WriteFault = _ => new InvalidDataException("nothing can be stored");
        var error = await Assert.ThrowsAsync<NotStoppedThereException>(() => runner.SetAsideAsync(3).WaitAsync(Stop));
        Assert.Contains("nothing can be stored", error.Message, StringComparison.Ordinal);
        rig.Store.WriteFault = _ => null;
        await UntilAsync(runner, () => runner.StoppedAt == 3);
        await runner.SetAsideAsync(3).WaitAsync(Stop);
    }

    [Fact]
    public async Task An_owner_that_leaves_before_the_checkpoint_leaves_the_next_one_where_it_stood()
    {
        await using var rig = new EngineRig();
        var runner = await StopAtBadAsync(rig);
        rig.Store.Fault = new StoreUnavailableException("away");
        var order = runner.SetAsideAsync(3);
        await UntilAsync(runner, () => runner.Status == RunnerStatus.Waiting && runner.Reason == "away");
        await runner.DisposeAsync();
        await Assert.ThrowsAsync<PartitionClosedException>(() => order);
        rig.Store.Fault = null;
        var next = rig.Start<Purse>();
        await UntilAsync(next, () => next.StoppedAt == 3);
        rig.Log.AppendFault = (_, _) => null;
        await next.SetAsideAsync(3).WaitAsync(Stop);
        await UntilAsync(next, () => next.BehindRecords == 0);
        Assert.Equal("""{"total":10}""", await StateAsync(next, "a"));
    }

    [Fact]
    public async Task A_dataset_that_stops_at_bad_records_sets_one_aside_by_order_and_stops_at_the_next()
    {
        await using var rig = new EngineRig(badRecords: BadRecords.Stop);
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1);
        await AppendAsync(rig, "a", "no amount");
        await rig.AppendAsync("a", 2);
        await AppendAsync(rig, "a", "neither");
        await rig.AppendAsync("a", 4);
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.StoppedAt == 1);
        await runner.SetAsideAsync(1).WaitAsync(Stop);
        await UntilAsync(runner, () => runner.StoppedAt == 3);
        await runner.SetAsideAsync(3).WaitAsync(Stop);
        await UntilAsync(runner, () => runner.BehindRecords == 0);
        Assert.Equal("""{"total":7}""", await StateAsync(runner, "a"));
        Assert.Equal([1L, 3], (await LettersAsync(rig)).Select(letter => letter.Id.Position.Offset));
        Assert.All(await LettersAsync(rig), letter => Assert.Contains("not the JSON of a Paid", letter.Reason, StringComparison.Ordinal));

        // The history of a key passes by what was set aside, as the partition did.
        await using var watch = runner.WatchAsync("a", new(0, 0, 0), Stop).GetAsyncEnumerator(Stop);
        var seen = new List<string>();
        while (seen.Count < 2 && await watch.MoveNextAsync())
            seen.Add(Encoding.UTF8.GetString(watch.Current.Change!.After!));
        Assert.Equal(["""{"total":3}""", """{"total":7}"""], seen);

        // The order is no part of the log: whoever folds it from the beginning stops there again.
        await Assert.ThrowsAsync<BatchStoppedException>(() => new BatchRunner(rig.Topology, rig.Log).RunAsync(cancellationToken: Stop));
    }

    [Fact]
    public async Task Of_a_frame_at_which_a_view_stops_the_changes_that_it_cannot_fold_are_set_aside()
    {
        await using var rig = new EngineRig(badRecords: BadRecords.Stop);
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1);
        await rig.AppendAsync("rich", TooMuch);
        await rig.AppendAsync("b", 2);
        var (entity, view) = (rig.Start<Purse>(), rig.Start<Wealth>());
        await UntilAsync(view, () => view.Status == RunnerStatus.Stopped);
        await view.SetAsideAsync(view.StoppedAt!.Value).WaitAsync(Stop);
        await UntilAsync(entity, () => entity.BehindRecords == 0);
        await UntilAsync(view, () => view.BehindRecords == 0 && view.Status == RunnerStatus.Running);
        Assert.Equal("""{"total":3}""", await StateAsync(view, "all"));
        Assert.Contains("Nobody has so much", Assert.Single(await LettersAsync(rig)).Reason, StringComparison.Ordinal);

        // The source is absent from the view until it can be folded.
        await rig.AppendAsync("rich", -995);
        await UntilAsync(entity, () => entity.BehindRecords == 0);
        await UntilAsync(view, () => StateAsync(view, "all").Result == """{"total":8}""");
    }

    private static async Task<PartitionRunner> StopAtBadAsync(EngineRig rig)
    {
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1, 2, 3);
        await rig.AppendAsync("bad", 7);
        await rig.AppendAsync("a", 4);
        rig.Log.AppendFault = (topic, frames) => topic.EndsWith(".input", StringComparison.Ordinal)
            && frames.Any(frame => RunnerTests.IsOf("bad", frame)) ? new InvalidOperationException("refused for good") : null;
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.StoppedAt is not null);
        Assert.Equal(3, runner.StoppedAt);
        return runner;
    }

    private static async Task<string?> StateAsync(PartitionRunner runner, string key) =>
        (await runner.ReadAsync(key, Stop)).State is { } state ? Encoding.UTF8.GetString(state) : null;

    private static async Task AppendAsync(EngineRig rig, string key, string value) => await rig.Log.AppendAsync(
        "purse", [new() { Partition = 0, Timestamp = 1, Key = Encoding.UTF8.GetBytes(key), Value = Encoding.UTF8.GetBytes(value) }]);

    private static async Task RedriveAsync(EngineRig rig, StoredDeadLetter letter) => await rig.Log.AppendAsync(
        "purse",
        [new() { Partition = 0, Timestamp = 1, Key = letter.KeyBytes, Value = letter.Value, Headers = [Redrive.HeaderOf(letter.Id)] }]);

    private static async Task<List<StoredDeadLetter>> LettersAsync(EngineRig rig)
    {
        IChangeLog log = rig.Log;
        var (topic, letters) = (rig.Topology.DeadLetterTopic, new List<StoredDeadLetter>());
        var end = (await log.OffsetsAsync(topic, Stop))[0].End;
        await foreach (var batch in log.ReadRangeAsync(new(topic, 0), 0, end, ReadLimits.Default, Stop))
            letters.AddRange(batch.Records.Select(record => DeadLetterFormat.Read(record, withOriginal: true)!));
        return letters;
    }
}
