using ActorStreams.Log;
using ActorStreams.Partitions;
using ActorStreams.Partitions.Running;

namespace ActorStreams.Tests.Partitions;

public sealed class FailuresTests
{
    private static readonly Exception Bug = new InvalidOperationException("a bug");
    private static readonly Exception Away = new LogUnavailableException("away");

    private readonly Failures _failures = new(new StreamsOptions { MinRetrySeconds = 1, MaxRetrySeconds = 10, BatchRecords = 100 });

    [Fact]
    public void The_pause_doubles_with_each_failure_in_a_row_up_to_the_longest()
    {
        var pauses = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            _failures.Add(Away, stored: 5, folded: 5 + i);
            pauses.Add(_failures.Pause.TotalSeconds);
        }

        Assert.Equal([1, 2, 4, 8, 10, 10], pauses);
        Assert.False(_failures.IsHopeless);
    }

    [Fact]
    public void Only_a_checkpoint_resets_the_pause()
    {
        _failures.Add(Away, stored: 5, folded: 9);
        _failures.Add(Away, stored: 5, folded: 99);
        Assert.Equal(2, _failures.InARow);
        _failures.Clear(stored: 99);
        Assert.Equal((0, TimeSpan.Zero), (_failures.InARow, _failures.Pause));
    }

    [Fact]
    public void Three_failures_at_one_record_are_hopeless_and_those_of_the_surroundings_do_not_count()
    {
        _failures.Add(Bug, stored: 5, folded: 40);
        _failures.Add(Away, stored: 5, folded: 5);
        _failures.Add(Bug, stored: 5, folded: 6);
        Assert.False(_failures.IsHopeless);
        _failures.Add(Bug, stored: 5, folded: 6);
        Assert.True(_failures.IsHopeless);
    }

    [Fact]
    public void Failures_at_different_records_are_not_hopeless()
    {
        for (var place = 0; place < 10; place++)
        {
            _failures.Add(Bug, stored: place, folded: place);
            _failures.Clear(stored: place + 1);
        }

        Assert.False(_failures.IsHopeless);
    }

    [Fact]
    public void After_a_failure_that_may_come_again_the_session_is_careful_until_a_batch_past_it()
    {
        _failures.Add(Bug, stored: 5, folded: 40);
        Assert.Equal(140, _failures.CarefulUpTo);
        _failures.Clear(stored: 139);
        Assert.Equal(140, _failures.CarefulUpTo);
        _failures.Clear(stored: 140);
        Assert.Equal(0, _failures.CarefulUpTo);
    }

    [Fact]
    public void A_failure_of_the_surroundings_asks_for_no_care()
    {
        _failures.Add(Away, stored: 5, folded: 40);
        Assert.Equal(0, _failures.CarefulUpTo);
    }
}
