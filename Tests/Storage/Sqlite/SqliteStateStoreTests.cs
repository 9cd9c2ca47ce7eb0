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
                Write(P("a", partition: i), 1, default, [new("first", default, 0, 0), new(key, default, 0, 0)])).AsTask())
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
                async () => await store.WriteCheckpointAsync(Write(P("a"), 1, default, [])));
            Assert.Contains($"The state store '{_paths[store]}' is locked by another process.", error.Message, StringComparison.Ordinal);
            Assert.Null(await store.ReadCheckpointAsync(P("a")));
        }

        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 1, default, [])));
        await CloseAsync(store);
    }

    [Fact]
    public async Task A_full_disk_fails_checkpoints_until_there_is_room()
    {
        var store = (SqliteStateStore)await OpenAsync();
        await LimitAsync(store, pages: 1);
        var large = Write(P("a"), 1, default, [new("k", new byte[500_000], 0, 0)]);
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
    public async Task A_file_of_format_1_is_upgraded_with_its_states_where_they_are()
    {
        var path = _directory.File("old");
        using (var session = new SqliteSession(path, readOnly: false, 0))
            session.ExecuteScript(Format1);
        for (var again = 0; again < 2; again++)
        {
            var store = Open(path);
            Assert.Equal(new Dictionary<string, string> { ["a"] = "described" }, await store.ReadDatasetsAsync());
            Assert.Equal(0, (await store.ReadCatalogAsync()).Number);
            var checkpoint = (await store.ReadCheckpointAsync(P("a", 3, 1)))!;
            Assert.Equal((again + 1L, 7L, 1L), (checkpoint.Number, checkpoint.Position, checkpoint.States));
            Assert.Equal(Bytes("marks").ToArray(), checkpoint.Header.ToArray());
            Assert.Equal(Bytes("value").ToArray(), Assert.Single(await store.LoadAsync(P("a", 3, 1), ["k"])).State.ToArray());
            Assert.Single(Assert.Single(await store.ScanContributionsAsync(P("a", 3, 1), [new("k", 0, 10)])));
            Assert.Equal("other", Assert.Single(await store.ScanAsync(P("b"), "", null, 10)).Key);
            Assert.True(await store.WriteCheckpointAsync(Write(P("a", 3, 1), again + 2, Bytes("marks"), [
                new("k", Bytes("value"), 6, 1),
            ], position: 7)));
            await store.DisposeAsync();
        }

        var last = Open(path);
        await last.DropAsync("a", 3);
        await CheckEmptyAsync(last, P("a", 3, 1));
        Assert.Single(await last.ScanAsync(P("b"), "", null, 10));
        await last.DisposeAsync();
        Assert.Equal((0, 1), (Count(path, "contribution"), Count(path, "state")));
    }

    [Fact]
    public async Task A_drop_that_was_cut_is_finished_by_the_next_and_nobody_gets_the_id_of_what_is_left()
    {
        var store = await OpenAsync();
        var states = Enumerable.Range(0, 12_000).Select(i => new StoredState($"k{i}", default, 1, 0)).ToList();
        var contributions = states.Select(state => (new ContributionId(state.Key, 0, default), Bytes("1"))).ToList();
        foreach (var partition in new[] { 0, 1 })
            await store.WriteCheckpointAsync(Write(P("a", partition: partition), 1, default, states, [], contributions));
        using (var cut = new CancellationTokenSource())
        {
            // The first step alone: it is in the queue before its caller can withdraw.
            var drop = store.DropAsync("a", 1, cut.Token).AsTask();
            while (await store.ReadCheckpointAsync(P("a")) is not null)
                await Task.Yield();
            await cut.CancelAsync();
            await drop.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        store = await AgainAsync(store);
        await CheckEmptyAsync(store, P("a"));
        Assert.True(await store.WriteCheckpointAsync(Full(P("a"), 1)));
        Assert.Equal(10, (await store.ScanAsync(P("a"), "", null, 100_000)).Count);
        await store.DropAsync("other", 5);
        var path = _paths[store];
        Assert.Equal(10, (await store.ScanAsync(P("a"), "", null, 100_000)).Count);
        await CloseAsync(store);
        Assert.Equal((10, 10, 0), (Count(path, "state"), Count(path, "contribution"), Count(path, "remains")));
    }

    [Fact]
    public async Task A_closed_store_refuses()
    {
        var store = await OpenAsync();
        await CloseAsync(store);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await store.ReadCheckpointAsync(P("a")));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await store.DropAsync("a", 1));
    }

    private const string Format1 = """
        CREATE TABLE partition (
            id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, version INTEGER NOT NULL, number INTEGER NOT NULL,
            position INTEGER NOT NULL, states INTEGER NOT NULL, marks BLOB NOT NULL, UNIQUE (dataset, version, number));
        CREATE TABLE state (
            partition_id INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, "offset" INTEGER NOT NULL, timestamp INTEGER NOT NULL,
            PRIMARY KEY (partition_id, key)) WITHOUT ROWID;
        CREATE TABLE contribution (
            partition_id INTEGER NOT NULL, key BLOB NOT NULL, slot INTEGER NOT NULL, element BLOB NOT NULL, value BLOB NOT NULL,
            PRIMARY KEY (partition_id, key, slot, element)) WITHOUT ROWID;
        CREATE TABLE dataset (name BLOB PRIMARY KEY, description BLOB NOT NULL) WITHOUT ROWID;
        PRAGMA user_version = 1;
        INSERT INTO partition VALUES (4, 'a', 3, 1, 7, 1, CAST('marks' AS BLOB)), (9, 'b', 1, 0, 5, 1, x'');
        INSERT INTO state VALUES (4, CAST('k' AS BLOB), CAST('value' AS BLOB), 6, 1), (9, CAST('other' AS BLOB), x'', 4, 1);
        INSERT INTO contribution VALUES (4, CAST('k' AS BLOB), 0, x'01', x'02');
        INSERT INTO dataset VALUES (CAST('a' AS BLOB), CAST('described' AS BLOB));
        """;

    private static int Count(string path, string table)
    {
        using var session = new SqliteSession(path, readOnly: false, 0);
        return (int)SqliteSession.Number(session.Prepare($"SELECT count(*) FROM {table}"))!;
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
