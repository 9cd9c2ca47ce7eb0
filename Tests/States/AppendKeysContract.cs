using System.Text;
using ActorStreams.States;
using Microsoft.Extensions.Time.Testing;

namespace ActorStreams.Tests.States;

/// <summary>What holds wherever append keys are kept.</summary>
public abstract class AppendKeysContract
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>Where keys are kept, empty.</summary>
    protected abstract Task<IAppendKeys> OpenAsync();

    /// <summary>The same after what its kind can survive.</summary>
    protected virtual Task<IAppendKeys> AgainAsync(IAppendKeys keys) => Task.FromResult(keys);

    [Fact]
    public async Task A_key_is_added_once_and_then_answers_what_is_there()
    {
        var keys = await OpenAsync();
        var first = Write("a", "first");
        Assert.Null(await keys.AddAsync(first));
        keys = await AgainAsync(keys);
        var found = await keys.AddAsync(Write("a", "second"));
        Assert.Equal((first.Token, "first"), (found!.Token, Text(found)));
        Assert.InRange(found.Age, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.Null(await keys.AddAsync(Write("b", "other")));
        await CloseAsync(keys);
    }

    [Fact]
    public async Task Of_many_that_add_a_key_at_once_one_does()
    {
        var keys = await OpenAsync();
        var writes = Enumerable.Range(0, 20).Select(i => Write("a", $"{i}")).ToList();
        var answers = await Task.WhenAll(writes.Select(write => Task.Run(async () => await keys.AddAsync(write))));
        var winner = writes[Assert.Single(answers.Index(), answer => answer.Item is null).Index];
        Assert.All(answers.OfType<StoredAppendKey>(), found => Assert.Equal(winner.Token, found.Token));
        await CloseAsync(keys);
    }

    [Fact]
    public async Task A_key_is_replaced_by_who_knows_its_token_and_by_no_other()
    {
        var keys = await OpenAsync();
        var (first, second) = (Write("a", "first"), Write("a", "second"));
        Assert.False(await keys.ReplaceAsync(first.Token, second));
        Assert.Null(await keys.AddAsync(first));
        Assert.False(await keys.ReplaceAsync(Guid.NewGuid(), second));
        Assert.True(await keys.ReplaceAsync(first.Token, second));
        Assert.False(await keys.ReplaceAsync(first.Token, Write("a", "third")));
        keys = await AgainAsync(keys);
        var found = await keys.AddAsync(Write("a", "fourth"));
        Assert.Equal((second.Token, "second"), (found!.Token, Text(found)));
        await CloseAsync(keys);
    }

    [Fact]
    public async Task A_key_that_has_expired_is_none()
    {
        var keys = await OpenAsync();
        var expired = Write("a", "first", TimeSpan.Zero);
        Assert.Null(await keys.AddAsync(expired));
        Assert.False(await keys.ReplaceAsync(expired.Token, Write("a", "second")));
        var third = Write("a", "third");
        Assert.Null(await keys.AddAsync(third));
        Assert.Equal(third.Token, (await keys.AddAsync(Write("a", "fourth")))!.Token);
        Assert.True(await keys.ReplaceAsync(third.Token, Write("a", "ended", TimeSpan.Zero)));
        Assert.Null(await keys.AddAsync(Write("a", "fifth")));
        await CloseAsync(keys);
    }

    [Fact]
    public async Task Keys_that_have_expired_are_deleted_in_steps_and_the_others_stay()
    {
        var keys = await OpenAsync();
        for (var i = 0; i < 5; i++)
            Assert.Null(await keys.AddAsync(Write($"old-{i}", "", TimeSpan.Zero)));
        Assert.Null(await keys.AddAsync(Write("new", "")));
        Assert.Equal(2, await keys.DeleteExpiredAsync(2));
        Assert.Equal(3, await keys.DeleteExpiredAsync(10));
        Assert.Equal(0, await keys.DeleteExpiredAsync(10));
        Assert.NotNull(await keys.AddAsync(Write("new", "")));
        await CloseAsync(keys);
    }

    protected static async ValueTask CloseAsync(IAppendKeys keys)
    {
        if (keys is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }

    private static AppendKeyWrite Write(string id, string data, TimeSpan? lifetime = null) =>
        new(id, Guid.NewGuid(), Encoding.UTF8.GetBytes(data), lifetime ?? Day);

    private static string Text(StoredAppendKey found) => Encoding.UTF8.GetString(found.Data.Span);
}

public sealed class InMemoryAppendKeysTests : AppendKeysContract
{
    [Fact]
    public async Task The_age_of_a_key_begins_again_when_it_is_replaced()
    {
        var time = new FakeTimeProvider();
        var keys = new InMemoryAppendKeys(time);
        AppendKeyWrite first = new("a", Guid.NewGuid(), default, TimeSpan.FromHours(1)), second = first with { Token = Guid.NewGuid() };
        Assert.Null(await keys.AddAsync(first));
        time.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(TimeSpan.FromMinutes(59), (await keys.AddAsync(second))!.Age);
        Assert.True(await keys.ReplaceAsync(first.Token, second));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(TimeSpan.FromMinutes(1), (await keys.AddAsync(first))!.Age);
        time.Advance(TimeSpan.FromMinutes(59));
        Assert.Null(await keys.AddAsync(first));
    }

    protected override Task<IAppendKeys> OpenAsync() => Task.FromResult<IAppendKeys>(new InMemoryAppendKeys());
}
