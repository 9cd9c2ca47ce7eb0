using System.Text;
using ActorStreams.States;
using CsCheck;

namespace ActorStreams.Tests.States;

public sealed class KeyOrderTests
{
    /// <summary>Keys that share beginnings and hold NUL, the characters around the surrogates, and some beyond U+FFFF.</summary>
    internal static Gen<string> GenKey { get; } =
        Gen.OneOf(
            "", "\0", "a", "b", "%", "_", "'", "\u007f", "\u0080", "\ud7ff", "\ue000", "\uffff", "\U00010000",
            "\U0010ffff").Array[0, 4].Select(string.Concat);

    [Fact]
    public void The_order_is_that_of_the_bytes() => Gen.Select(GenKey, GenKey).Sample((x, y) =>
        Math.Sign(KeyOrder.Instance.Compare(x, y)) == Math.Sign(Encoding.UTF8.GetBytes(x).AsSpan()
            .SequenceCompareTo(Encoding.UTF8.GetBytes(y))));

    [Fact]
    public void No_key_comes_first()
    {
        Assert.True(KeyOrder.Instance.Compare(null, "") < 0);
        Assert.True(KeyOrder.Instance.Compare("", null) > 0);
        Assert.Equal(0, KeyOrder.Instance.Compare(null, null));
    }
}
