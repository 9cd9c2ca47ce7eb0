using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Formats;
using CsCheck;

namespace ActorStreams.Tests.Formats;

/// <summary>CsCheck prints the seed of a failure.</summary>
public sealed class OrderedCodecTests
{
    [Fact]
    public void Ints_sort_and_come_back() => Check(Gen.Int, Comparer<int>.Default.Compare);

    [Fact]
    public void Longs_sort_and_come_back() => Check(Gen.Long, Comparer<long>.Default.Compare);

    [Fact]
    public void Doubles_sort_and_come_back() =>
        Check(Gen.Double.Where(d => !double.IsNaN(d)), (x, y) => x == 0 && y == 0 ? Sign(x).CompareTo(Sign(y)) : x.CompareTo(y));

    [Fact]
    public void Decimals_sort_and_come_back() => Check(
        Gen.OneOf(Gen.Decimal, Gen.Select(
            Gen.Int, Gen.Int[0, 28],
            (n, scale) => new decimal(n & int.MaxValue, n, 0, n < 0, (byte)scale)), OneOf(
                decimal.MaxValue, decimal.MinValue, 0m, 1.00m, 1m, -0.0000000000000000000000000001m)),
        Comparer<decimal>.Default.Compare);

    [Fact]
    public void Strings_sort_by_their_bytes_and_come_back() => Check(
        Gen.OneOf(Gen.String[Gen.Char["ab\0\u00e9\uffff"], 0, 6], OneOf("", "\0", "a\0b", "\U0001F600", "\uFF5E")),
        (x, y) => ActorStreams.States.KeyOrder.Instance.Compare(x, y));

    [Fact]
    public void Times_sort_and_come_back() => Check(Gen.DateTimeOffset, Comparer<DateTimeOffset>.Default.Compare);

    [Fact]
    public void Another_type_is_refused() => Assert.Throws<NotSupportedException>(() => OrderedCodec.For<Guid>());

    [Fact]
    public void Equal_decimals_have_one_stored_form_and_keep_their_value()
    {
        var json = new TopologyBuilder().Json;
        Assert.Equal(
            ["1.5", "0", "0", "100", "-2.25"],
            new[] { 1.500m, 0.00m, -0.0m, 100.0m, -2.25m }.Select(value => JsonSerializer.Serialize(value, json)));
        Gen.Decimal.Sample(value => JsonSerializer.Deserialize<decimal>(JsonSerializer.Serialize(value, json), json) == value);
        Gen.Select(Gen.Int, Gen.Int[0, 10], Gen.Int[0, 10]).Sample((n, s1, s2) =>
            JsonSerializer.Serialize(n * Ones(s1), json) == JsonSerializer.Serialize(n * Ones(s2), json));
    }

    private static decimal Ones(int scale) => new(checked((int)Math.Pow(10, Math.Min(scale, 9))), 0, 0, false, (byte)Math.Min(scale, 9));

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static int Sign(double value) => double.IsNegative(value) ? -1 : 1;

    private static void Check<T>(Gen<T> gen, Comparison<T> compare) => Gen.Select(gen, gen, Gen.Bool).Sample((x, y, descending) =>
    {
        var codec = OrderedCodec<T>.Instance;
        var (bytesX, bytesY) = (codec.Encode(x, descending), codec.Encode(y, descending));
        var order = Math.Sign(bytesX.AsSpan().SequenceCompareTo(bytesY));
        var back = codec.Decode([.. bytesX, 7, 0, 0], descending, out var length);
        return order == Math.Sign(compare(x, y)) * (descending ? -1 : 1) && Equals(back, x) && length == bytesX.Length;
    });
}
