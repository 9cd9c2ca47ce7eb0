using ActorStreams.Grains.Appends;
using ActorStreams.Log;
using ActorStreams.Protocol;
using CsCheck;

namespace ActorStreams.Tests.Appends;

public sealed class IdempotencyKeyTests
{
    [Theory]
    [InlineData("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324")]
    [InlineData("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324")]
    [InlineData(" \"a b\" ", "a b")]
    [InlineData("\"a\\\"b\\\\c\"", "a\"b\\c")]
    [InlineData("a\"b", "a\"b")]
    public void A_key_is_read_with_and_without_quotes(string header, string key)
    {
        Assert.Null(IdempotencyKeys.Read(header, out var read));
        Assert.Equal(key, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\"\"")]
    [InlineData("\"a")]
    [InlineData("\"a\\")]
    [InlineData("\"a\\n\"")]
    [InlineData("\"a\", \"b\"")]
    [InlineData("\"a\";q=1")]
    [InlineData("ключ")]
    [InlineData("a\tb")]
    public void What_is_no_key_is_refused(string header) => Assert.NotNull(IdempotencyKeys.Read(header, out _));

    [Fact]
    public void A_key_has_255_characters_at_most()
    {
        Assert.Null(IdempotencyKeys.FaultOf(new string('k', 255)));
        Assert.Contains("has 256 characters, but must have 1 to 255", IdempotencyKeys.FaultOf(new string('k', 256)));
    }

    [Fact]
    public void Any_key_that_is_written_reads_back() => Gen.Char[' ', '~'].Array[1, 40].Sample(characters =>
    {
        var key = new string(characters);
        Assert.Null(IdempotencyKeys.Read(IdempotencyKeys.Write(key), out var read));
        Assert.Equal(key, read);
    });

    [Fact]
    public void A_claim_reads_back_as_it_was_written()
    {
        var claim = AppendClaim.New([.. Enumerable.Range(0, 32).Select(i => (byte)i)], 3);
        claim.Found(1, 7, 1L << 40);
        claim.Found(1, 8, 5);
        claim.Found(9, 0, 0);
        (claim.Cursors[7], claim.Cursors[0], claim.IsSettled, claim.SettledAfter) = (1L << 41, 0, true, TimeSpan.FromSeconds(260));
        var read = AppendClaim.Read(claim.ToBytes());
        Assert.Equal(claim.Digest, read.Digest);
        Assert.Equal([0, 2], read.Missing);
        Assert.Equal(claim.Cursors, read.Cursors);
        Assert.Equal((true, false, claim.SettledAfter), (read.IsSettled, read.IsComplete, read.SettledAfter));
        read.Found(0, 0, 0);
        read.Found(2, 0, 1);
        Assert.Equal([new("t", 0, 0), new("t", 7, 1L << 40), new Position("t", 0, 1)], AppendClaim.Read(read.ToBytes()).Positions("t"));
    }
}
