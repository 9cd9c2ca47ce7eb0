using ActorStreams.Grains.Partitions;
using Microsoft.Extensions.Time.Testing;

namespace ActorStreams.Tests.Partitions;

public sealed class CatchUpTurnsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Partitions_that_catch_up_leave_a_core_to_those_at_the_tail()
    {
        using var turns = new CatchUpTurns(_time, cores: 3);
        using var tail = await turns.TakeAsync(_time.GetTimestamp());
        var first = await turns.TakeAsync(null);
        using var second = await turns.TakeAsync(null);
        var third = turns.TakeAsync(null).AsTask();
        Assert.False(third.IsCompleted);
        // The tail never waits.
        using var again = await turns.TakeAsync(_time.GetTimestamp());
        first.Dispose();
        using var turn = await third.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task With_nothing_at_the_tail_nobody_waits()
    {
        using var turns = new CatchUpTurns(_time, cores: 1);
        using (await turns.TakeAsync(_time.GetTimestamp()))
        {
        }

        _time.Advance(CatchUpTurns.TailIsQuietAfter);
        using var first = await turns.TakeAsync(null);
        var second = turns.TakeAsync(null);
        Assert.True(second.IsCompletedSuccessfully);
        (await second).Dispose();
    }

    [Fact]
    public async Task A_partition_that_has_not_been_at_its_end_for_a_while_is_one_that_catches_up()
    {
        using var turns = new CatchUpTurns(_time, cores: 1);
        var end = _time.GetTimestamp();
        _time.Advance(CatchUpTurns.CatchingUpAfter);
        using var tail = await turns.TakeAsync(_time.GetTimestamp());
        var one = await turns.TakeAsync(end);
        var other = turns.TakeAsync(end).AsTask();
        Assert.False(other.IsCompleted);
        one.Dispose();
        (await other.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).Dispose();
    }
}
