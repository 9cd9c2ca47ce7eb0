using ActorStreams.States;
using ActorStreams.Storage.Sqlite.Keys;
using ActorStreams.Tests.States;

namespace ActorStreams.Tests.Storage.Sqlite;

public sealed class SqliteAppendKeysTests : AppendKeysContract, IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Path => _directory.File("append-keys.db");

    public void Dispose() => _directory.Dispose();

    protected override Task<IAppendKeys> OpenAsync() => Task.FromResult<IAppendKeys>(SqliteAppendKeys.Open(Path));

    protected override async Task<IAppendKeys> AgainAsync(IAppendKeys keys)
    {
        await CloseAsync(keys);
        return await OpenAsync();
    }
}
