using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.Partitions;
using ActorStreams.Partitions.Reading;
using ActorStreams.Partitions.Running;
using ActorStreams.States;
using static ActorStreams.Tests.Partitions.EngineRig;

namespace ActorStreams.Tests.Partitions;

public sealed class RunnerTests
{
    [Fact]
    public async Task A_partition_that_fails_three_times_at_one_record_stops_names_it_and_appends_nothing_more()
    {
        await using var rig = new EngineRig();
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1, 2, 3);
        await rig.AppendAsync("bad", 1);
        await rig.AppendAsync("a", 4);
        rig.Log.AppendFault = (topic, frames) => topic.EndsWith(".input", StringComparison.Ordinal)
            && frames.Any(frame => IsOf("bad", frame))
            ? new InvalidOperationException("refused for good") : null;
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.Status == RunnerStatus.Stopped);
        Assert.Contains("purse/0:3 cannot be folded, and it failed 3 times: refused for good", runner.Reason);
        Assert.Equal(PauseReason.Failure, runner.PausedBy);
        await UntilAsync(runner, () => runner.Readable is not null);
        Assert.Equal("{\"total\":6}", System.Text.Encoding.UTF8.GetString((await runner.ReadAsync("a", Stop)).State!));
        Assert.Equal(2, runner.BehindRecords);
        var appends = rig.Log.Appends;
        await rig.AppendAsync("a", 5);
        await Task.Delay(300, Stop);
        Assert.Equal(appends + 1, rig.Log.Appends);
    }

    [Fact]
    public async Task A_state_that_the_store_refuses_for_good_stops_its_partition_at_its_record()
    {
        await using var rig = new EngineRig();
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1, 2);
        await rig.AppendAsync("bad", 1);
        rig.Store.WriteFault = write => write.Upserts.Any(state => state.Key == "bad")
            ? new InvalidDataException("no such state can be stored")
            : null;
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.Status == RunnerStatus.Stopped);
        Assert.Contains("purse/0:2", runner.Reason);
    }

    [Fact]
    public async Task While_the_store_is_away_a_partition_begins_again_ever_more_slowly()
    {
        await using var rig = new EngineRig(new() { CheckpointIntervalSeconds = 0.01, MinRetrySeconds = 0.05, MaxRetrySeconds = 10 });
        await rig.CreateTopicsAsync();
        var runner = rig.Start<Purse>();
        await rig.AppendAsync("a", 1);
        await UntilAsync(runner, () => runner.Session?.Generation > 0);
        var before = rig.Store.Calls;
        rig.Store.Fault = new StoreUnavailableException("away");
        await rig.AppendAsync("a", 2, 3);
        await Task.Delay(1_500, Stop);
        // 0.05 + 0.1 + 0.2 + 0.4 + 0.8: at most six lives in that time, each with a call or two.
        Assert.InRange(rig.Store.Calls - before, 1, 14);
        Assert.Equal(RunnerStatus.Waiting, runner.Status);
        Assert.True(runner.CheckpointAgeSeconds > 1, $"The age of the checkpoint is {runner.CheckpointAgeSeconds} s.");
        Assert.True(runner.BehindRecords > 0);
        rig.Store.Fault = null;
        await UntilAsync(runner, () => runner.Status == RunnerStatus.Running && runner.BehindRecords == 0);
    }

    [Fact]
    public async Task Readers_do_not_go_back_while_the_views_log_is_away()
    {
        await using var rig = new EngineRig(new() { CheckpointIntervalSeconds = 3_600, MinRetrySeconds = 0.01, MaxRetrySeconds = 0.02 });
        await rig.CreateTopicsAsync();
        var runner = rig.Start<Purse>();
        await rig.AppendAsync("a", 1, 2, 3);
        await UntilAsync(runner, () => runner.Readable?.Fold.NextOffset == 3);
        rig.Log.AppendFault = (topic, _) => topic.EndsWith(".input", StringComparison.Ordinal) ? new LogUnavailableException("away") : null;
        await rig.AppendAsync("a", 4);
        var (last, until) = (0L, Environment.TickCount64 + 500);
        while (Environment.TickCount64 < until)
        {
            var read = await runner.ReadAsync("a", Stop);
            Assert.True(read.Offset >= last, $"A reader saw offset {last}, and then {read.Offset}.");
            last = read.Offset;
        }

        Assert.Equal(3, last);
    }

    [Fact]
    public async Task A_closed_partition_answers_no_read_and_takes_no_watcher()
    {
        await using var rig = new EngineRig();
        await rig.CreateTopicsAsync();
        await rig.AppendAsync("a", 1);
        var runner = rig.Start<Purse>();
        await UntilAsync(runner, () => runner.Readable?.Fold.NextOffset == 1);
        await runner.DisposeAsync();
        await Assert.ThrowsAsync<PartitionClosedException>(async () => await runner.ReadAsync("a", Stop));
        await Assert.ThrowsAsync<PartitionClosedException>(async () => await runner.ListAsync("", null, 10, Stop));
        await Assert.ThrowsAsync<PartitionClosedException>(async () => await runner.WatchAsync("a", null, Stop).GetAsyncEnumerator(Stop)
            .MoveNextAsync());
    }

    internal static bool IsOf(string sourceKey, NewRecord frame)
    {
        var reader = new FrameReader(frame.Value!.Value);
        while (reader.NextChange())
        {
            if (reader.SourceKey == sourceKey)
                return true;
        }

        return false;
    }

    [Theory]
    [InlineData(RunnerStatus.Closed, RunnerStatus.Running)]
    [InlineData(RunnerStatus.Running, RunnerStatus.Starting)]
    [InlineData(RunnerStatus.Stopped, RunnerStatus.Running)]
    internal void A_transition_that_the_diagram_lacks_is_refused(RunnerStatus from, RunnerStatus to) =>
        Assert.Throws<InvalidOperationException>(() => from.To(to));
}
