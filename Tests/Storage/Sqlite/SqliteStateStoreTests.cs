using ActorStreams.States;
using ActorStreams.Storage;
using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.States;
using ActorStreams.Tests.States;

namespace ActorStreams.Tests.Storage.Sqlite;

public sealed class SqliteStateStoreTests : StateStoreContract, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<IStateStore, string> _paths = [];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_checkpoint_with_a_key_that_is_no_text_fails_alone()
    {
        var store = await OpenAsync();
        var writes = new[] { "good", "\ud800", "fine" }
            .Select((key, i) => store.WriteCheckpointAsync(
                Write(P("a", partition: i), 1, null, default, [new("first", default, 0, 0), new(key, default, 0, 0)])).AsTask())
            .ToList();
        Assert.True(await writes[0]);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => writes[1]);
        Assert.True(await writes[2]);
        Assert.Null(await store.ReadCheckpointAsync(P("a", partition: 1)));
        Assert.Equal(2, (await store.ScanAsync(P("a", partition: 2), "", null, 10)).Count);
        await CloseAsync(store);
    }

    [Fact]
    public async Task A_locked_store_fails_clearly_and_works_again_later()
    {
        var store = await OpenAsync();
        using (var other = new SqliteSession(_paths[store], readOnly: false, 0))
        {
            other.ExecuteScript("BEGIN IMMEDIATE");
            var error = await Assert.ThrowsAsync<StoreUnavailableException>(
                async () => await store.WriteCheckpointAsync(Write(P("a"), 1, null, default, [])));
            Assert.Contains($"The state store '{_paths[store]}' is locked by another process.", error.Message, StringComparison.Ordinal);
            Assert.Null(await store.ReadCheckpointAsync(P("a")));
        }

        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 1, null, default, [])));
        await CloseAsync(store);
    }

    [Fact]
    public async Task A_full_disk_fails_checkpoints_until_there_is_room()
    {
        var store = (SqliteStateStore)await OpenAsync();
        await LimitAsync(store, pages: 1);
        var large = Write(P("a"), 1, null, default, [new("k", new byte[500_000], 0, 0)]);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.WriteCheckpointAsync(large));
        Assert.Contains("cannot grow: the disk is full.", error.Message, StringComparison.Ordinal);
        Assert.Null(await store.ReadCheckpointAsync(P("a")));
        await LimitAsync(store, pages: 1_000_000);
        Assert.True(await store.WriteCheckpointAsync(large));
        await CloseAsync(store);
    }

    [Fact]
    public async Task A_newer_format_is_refused()
    {
        var store = await OpenAsync();
        await CloseAsync(store);
        using (var session = new SqliteSession(_paths[store], readOnly: false, 0))
            session.ExecuteScript("PRAGMA user_version=99");
        Assert.Throws<NewerFormatException>(() => Open(_paths[store]));
    }

    [Fact]
    public async Task A_closed_store_refuses()
    {
        var store = await OpenAsync();
        await CloseAsync(store);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await store.ReadCheckpointAsync(P("a")));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await store.ClearAsync());
    }

    protected override Task<IStateStore> OpenAsync() => Task.FromResult<IStateStore>(Open(_directory.File(Guid.NewGuid().ToString("N"))));

    protected override async Task<IStateStore> AgainAsync(IStateStore store)
    {
        await CloseAsync(store);
        return Open(_paths[store]);
    }

    private static async Task LimitAsync(SqliteStateStore store, int pages)
    {
        var work = new LimitWork(pages);
        store.Writer.Enqueue(work, CancellationToken.None);
        await work.Task;
    }

    private SqliteStateStore Open(string path)
    {
        var store = SqliteStateStore.Open(new() { Path = path, LockWaitMilliseconds = 20 });
        _paths[store] = path;
        return store;
    }

    /// <summary>A disk that is full, as SQLite sees it: the file may not grow. The limit is one of the writing connection.</summary>
    private sealed class LimitWork(int pages) : StateWork
    {
        public override int Rows => 1;

        public override long Bytes => 0;

        public override void Apply(SqliteSession session) => _ = SqliteSession.Number(session.Prepare($"PRAGMA max_page_count={pages}"));
    }
}
