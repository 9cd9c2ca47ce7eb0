using ActorStreams.States;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.States;
using ActorStreams.Tests.States;

namespace ActorStreams.Tests.Storage.Postgres;

public sealed class PostgresAppendKeysTests : AppendKeysContract
{
    private PostgresOptions _options = null!;

    [Fact]
    public async Task Keys_outlive_the_clearing_of_the_states_and_are_shared_by_silos()
    {
        await using var one = (PostgresStateStore)await OpenAsync();
        await using var other = PostgresStateStore.Open(_options);
        AppendKeyWrite write = new("a", Guid.NewGuid(), new byte[] { 1 }, TimeSpan.FromDays(1));
        Assert.Null(await one.AddAsync(write));
        await one.DropAsync("a", 1);
        Assert.Equal(write.Token, (await other.AddAsync(write with { Token = Guid.NewGuid() }))!.Token);
        Assert.True(await other.ReplaceAsync(write.Token, write with { Token = Guid.NewGuid() }));
        Assert.False(await one.ReplaceAsync(write.Token, write));
    }

    protected override async Task<IAppendKeys> OpenAsync()
    {
        _options = await (await PostgresServer.SharedAsync()).NewSchemaAsync();
        return PostgresStateStore.Open(_options);
    }

    protected override async Task<IAppendKeys> AgainAsync(IAppendKeys keys)
    {
        await CloseAsync(keys);
        return PostgresStateStore.Open(_options);
    }
}
