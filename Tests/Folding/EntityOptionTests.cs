using System.Text;
using ActorStreams.Definitions;

namespace ActorStreams.Tests.Folding;

/// <summary>What an entity declares about its records.</summary>
public sealed class EntityOptionTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("null", true)]
    [InlineData(" null\n", true)]
    [InlineData("{}", false)]
    public async Task An_empty_value_ends_an_entity_where_it_says_so(string value, bool ends)
    {
        foreach (var declared in new[] { true, false })
        {
            var run = new RestartingRun(RestartingRun.Of(t =>
                t.AddEntity<Sample>(sample => _ = declared ? sample.EmptyIsTombstone() : sample)));
            await run.AppendAsync<Sample>("k", new Sample(1));
            await run.AppendAsync<Sample>("k", Encoding.UTF8.GetBytes(value));
            Assert.Equal(declared && ends ? null : "{\"value\":1,\"bad\":false}", await run.StateAsync<Sample>("k"));
            Assert.Equal(declared && ends ? 0 : 1, run.DeadLetters.Count);
            await run.AssertIsBatchAsync<Sample>();
        }
    }

    [Fact]
    public async Task The_last_writer_by_time_wins_where_the_entity_says_so()
    {
        var run = new RestartingRun(RestartingRun.Of(t => t.AddEntity<Sample>(sample => sample.LatestByTime())));
        await run.AppendAsync<Sample>("k", new Sample(2), timestamp: 2_000);
        await run.AppendAsync<Sample>("k", new Sample(1), timestamp: 1_000);
        Assert.Equal("{\"value\":2,\"bad\":false}", await run.StateAsync<Sample>("k"));
        await run.AppendAsync<Sample>("k", (byte[]?)null, timestamp: 1_999);
        Assert.Equal("{\"value\":2,\"bad\":false}", await run.StateAsync<Sample>("k"));
        await run.AppendAsync<Sample>("k", new Sample(3), timestamp: 2_000);
        Assert.Equal("{\"value\":3,\"bad\":false}", await run.StateAsync<Sample>("k"));
        await run.AppendAsync<Sample>("k", (byte[]?)null, timestamp: 3_000);
        await run.AppendAsync<Sample>("k", new Sample(4), timestamp: 1_000);
        Assert.Equal("{\"value\":4,\"bad\":false}", await run.StateAsync<Sample>("k"));
        Assert.Empty(run.DeadLetters);
        await run.AssertIsBatchAsync<Sample>();
    }
}
