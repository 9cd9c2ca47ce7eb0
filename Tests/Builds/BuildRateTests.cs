using ActorStreams.Grains;
using ActorStreams.Grains.Cutover;
using Microsoft.Extensions.Time.Testing;

namespace ActorStreams.Tests.Builds;

/// <summary>Rate and estimate, from successive looks.</summary>
public sealed class BuildRateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly BuildRates _rates;

    public BuildRateTests() => _rates = new(_time);

    [Fact]
    public void The_second_look_knows_the_rate_and_the_time_left()
    {
        Assert.Equal((null, null), Look(0, 0.0, 0));
        Assert.Equal((100, 36), Look(4, 0.1, 400));
        Assert.Equal((100, 32), Look(4, 0.2, 800));
    }

    [Fact]
    public void What_was_long_ago_does_not_count_and_a_build_that_stands_still_has_no_estimate()
    {
        Look(0, 0.0, 0);
        Look(10, 0.5, 10_000);
        for (var i = 0; i < 4; i++)
            Look(10, 0.5, 10_000);
        Assert.Equal((0, null), Look(10, 0.5, 10_000));
    }

    [Fact]
    public void A_partition_that_begins_again_makes_no_negative_rate()
    {
        Look(0, 0.2, 1_000);
        Assert.Equal((null, null), Look(5, 0.1, 500));
        Assert.Equal((50, 88), Look(2, 0.12, 600));
    }

    [Fact]
    public void Only_what_is_being_built_has_a_rate()
    {
        Look(0, 0.5, 10);
        Assert.Equal((null, null), Look(5, 1, 20, "active"));
    }

    private (double? Rate, double? Left) Look(double after, double progress, long folded, string status = "building")
    {
        _time.Advance(TimeSpan.FromSeconds(after));
        var build = _rates.Look([new()
        {
            Dataset = "spend", Build = 2, Status = status, Version = 1, Topic = "t", Why = "", Made = 0, Progress = progress,
            Folded = folded,
        }])[0];
        return (build.RecordsPerSecond, build.SecondsLeft is { } left ? Math.Round(left, 3) : null);
    }
}
