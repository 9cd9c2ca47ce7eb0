using System.Text;
using ActorStreams.Grains.Appends;
using ActorStreams.Log;

namespace ActorStreams.Tests.Appends;

public sealed class AppendRuleTests
{
    [Theory]
    [InlineData("\"2026-07-01T12:00:00\"")]
    [InlineData("\"2026-07-01\"")]
    [InlineData("\"noon\"")]
    [InlineData("1e300")]
    public void A_timestamp_that_is_another_instant_on_another_host_or_none_at_all_is_refused(string timestamp)
    {
        var fault = Parse($$"""{"key":"k","value":1,"timestamp":{{timestamp}}}""", out _);
        Assert.Contains("with its offset from UTC", fault);
    }

    [Theory]
    [InlineData("\"2026-07-01T12:00:00Z\"")]
    [InlineData("\"2026-07-01T14:00:00+02:00\"")]
    [InlineData("1782907200000")]
    public void A_timestamp_that_says_its_offset_is_one_instant(string timestamp)
    {
        Assert.Null(Parse($$"""{"key":"k","value":1,"timestamp":{{timestamp}}}""", out var record));
        Assert.Equal(1_782_907_200_000, record.Timestamp);
    }

    [Fact]
    public void A_key_that_no_state_can_have_is_refused_with_the_numbers()
    {
        var record = new NewRecord { Partition = 0, Timestamp = 1, Key = new byte[1_025] };
        Assert.Equal(
            "The record's key has 1025 bytes, but at most 1024 are taken. Shorten it, or hash a part of it.",
            new RecordLimits().FaultOf(record, TopicLimits.None, DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public void A_record_is_held_against_the_limits_of_its_topic()
    {
        var now = DateTimeOffset.UnixEpoch;
        var limits = new TopicLimits { MaxRecordBytes = 100, MinTimestamp = 1, MaxAheadMilliseconds = 3_600_000 };
        var record = new NewRecord { Partition = 0, Timestamp = 1, Key = "k"u8.ToArray(), Value = new byte[10] };
        Assert.Null(new RecordLimits().FaultOf(record, limits, now));
        Assert.Contains("100 at most", new RecordLimits().FaultOf(record with { Value = new byte[200] }, limits, now));
        Assert.Contains("none before 1", new RecordLimits().FaultOf(record with { Timestamp = 0 }, limits, now));
        Assert.Contains("none after 3600000", new RecordLimits().FaultOf(record with { Timestamp = 3_600_001 }, limits, now));
    }

    private static string? Parse(string line, out NewRecord record) =>
        AppendLine.Parse(Encoding.UTF8.GetBytes(line), 4, KeyPartitioner.Murmur2, 5, out record);
}
