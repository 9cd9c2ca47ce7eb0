using ActorStreams.Log;
using CsCheck;

namespace ActorStreams.Tests.Log;

public sealed class PositionTests
{
    private static readonly Gen<string> GenTopic = Gen.Char["abz019._-"].Array[1, 12].Select(c => new string(c))
        .Where(t => t is not "." and not "..");

    private static readonly Gen<Position> GenPosition = Gen.Select(
        GenTopic, Gen.Int[0, int.MaxValue], Gen.Long[0, long.MaxValue], (t, p, o) => new Position(t, p, o));

    [Fact]
    public void A_position_reads_back_what_it_writes() =>
        GenPosition.Sample(p => Position.TryParse(p.ToString(), null, out var back) && back == p);

    [Fact]
    public void A_position_without_a_topic_takes_the_default() =>
        Assert.True(Position.TryParse("3:17", "orders", out var position) && position == new Position("orders", 3, 17));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("t")]
    [InlineData("t/1")]
    [InlineData("1:2")]
    [InlineData("t/:2")]
    [InlineData("t/1:")]
    [InlineData("t/-1:2")]
    [InlineData("t/1:-2")]
    [InlineData("t/1:2x")]
    [InlineData("/1:2")]
    [InlineData("t/1:9999999999999999999")]
    [InlineData("t/9999999999:1")]
    public void What_is_no_position_is_refused(string? text) => Assert.False(Position.TryParse(text, null, out _));

    [Fact]
    public void A_cut_reads_back_what_it_writes() => GenPosition.List[0, 6].Sample(positions =>
    {
        var cut = Of(positions);
        return Cut.Parse(cut.ToString()).Equals(cut) && Cut.Parse(cut.ToString()).GetHashCode() == cut.GetHashCode();
    });

    [Fact]
    public void A_cut_includes_what_lies_before_its_offset_and_nothing_of_what_it_does_not_name()
    {
        var cut = Cut.Parse("t/0:5, t/1:0");
        Assert.True(cut.Includes(new("t", 0, 4)));
        Assert.False(cut.Includes(new("t", 0, 5)));
        Assert.False(cut.Includes(new("t", 1, 0)));
        Assert.False(cut.Includes(new("u", 0, 0)));
    }

    [Fact]
    public void A_partition_cut_at_0_is_as_good_as_not_named()
    {
        Assert.Equal(Cut.Parse("t/0:5"), Cut.Parse("t/0:5,t/1:0"));
        Assert.Equal(Cut.Parse("t/0:5").GetHashCode(), Cut.Parse("t/0:5,t/1:0").GetHashCode());
        Assert.Equal(Cut.Beginning, Cut.Parse(""));
        Assert.NotEqual(Cut.Parse("t/0:5"), Cut.Parse("t/0:6"));
    }

    [Theory]
    [InlineData("t/0:5,t/0:5")]
    [InlineData("t/0")]
    [InlineData("t/0:-5")]
    public void What_is_no_cut_is_refused(string text) => Assert.Throws<FormatException>(() => Cut.Parse(text));

    [Fact]
    public void A_cut_has_no_negative_offsets() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Cut([new(new("t", 0), -1)]));

    private static Cut Of(IEnumerable<Position> positions) =>
        new(positions.DistinctBy(p => p.TopicPartition).Select(p => KeyValuePair.Create(p.TopicPartition, p.Offset)));
}
