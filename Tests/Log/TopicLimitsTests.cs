using ActorStreams.Log;

namespace ActorStreams.Tests.Log;

public sealed class TopicLimitsTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_000_000);

    private static readonly TopicLimits Limits = new()
    {
        MaxRecordBytes = 100, MinTimestamp = 1, MaxAgeMilliseconds = 5_000, MaxAheadMilliseconds = 300,
    };

    [Theory]
    [InlineData(100, 1_000_000, null)]
    [InlineData(101, 1_000_000, "The record has 101 bytes, but its topic takes 100 at most.")]
    [InlineData(1, 995_000, null)]
    [InlineData(1, 994_999, "The record has the timestamp 994999, but its topic takes none before 995000.")]
    [InlineData(1, 1_000_300, null)]
    [InlineData(1, 1_000_301, "The record has the timestamp 1000301, but its topic takes none after 1000300.")]
    public void A_record_is_refused_with_the_numbers(int bytes, long timestamp, string? refusal) =>
        Assert.Equal(refusal, Limits.Refusal(bytes, timestamp, Now));

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public void A_log_without_limits_takes_any_record(long timestamp) =>
        Assert.Null(TopicLimits.None.Refusal(int.MaxValue, timestamp, Now));

    [Fact]
    public void Limits_beyond_the_end_of_time_do_not_overflow()
    {
        var limits = new TopicLimits { MaxAgeMilliseconds = long.MaxValue, MaxAheadMilliseconds = long.MaxValue };
        Assert.Null(limits.Refusal(1, long.MaxValue, Now));
        Assert.Null(limits.Refusal(1, -long.MaxValue + 1_000_000, Now));
    }
}
