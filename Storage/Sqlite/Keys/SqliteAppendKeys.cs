using ActorStreams.States;
using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Storage.Sqlite.Keys;

// The file, format 1 (PRAGMA user_version):
//
//   append_key(id, token, data, written, expires)   one row an idempotency key; times are Unix milliseconds
//
// It is a file of its own, not a table beside the states: states can be folded again from the log and may lose their last commits to a
// power cut (NORMAL), but a lost row here would let a record be appended twice. So every commit waits for the disk (FULL).

/// <summary>Append keys in one SQLite file, for one process at a time (see <see cref="DataDirectory"/>).</summary>
public sealed class SqliteAppendKeys : IAppendKeys, IAsyncDisposable
{
    private const int Format = 1;

    private const string Schema = """
        CREATE TABLE append_key (
            id TEXT PRIMARY KEY, token BLOB NOT NULL, data BLOB NOT NULL, written INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX append_key_expires ON append_key (expires);
        """;

    private readonly SqliteFile _file;
    private readonly KeyWriter _writer;

    private SqliteAppendKeys(string path, TimeProvider time)
    {
        _file = new(new()
        {
            Owner = typeof(SqliteAppendKeys),
            Path = path,
            Kind = "file of append keys",
            Format = Format,
            Schema = Schema,
            Synchronous = "FULL",
            PageBytes = 4 << 10,
            Readers = 1,
            CacheKibibytes = 4 << 10,
            LockWaitMilliseconds = 5_000,
            Unavailable = (message, error) => new StoreUnavailableException(message, error),
        });
        _writer = new(_file, _file.OpenWriter(), time);
        _writer.Start();
    }

    /// <summary>Opens the file, creating it where there is none.</summary>
    /// <exception cref="NewerFormatException">A newer program wrote the file.</exception>
    /// <exception cref="DamagedFileException">The file holds no append keys, or is damaged.</exception>
    /// <exception cref="StoreUnavailableException">The file cannot be opened now.</exception>
    public static SqliteAppendKeys Open(string path, TimeProvider? time = null) => new(path, time ?? TimeProvider.System);

    /// <inheritdoc/>
    public async ValueTask<StoredAppendKey?> AddAsync(AppendKeyWrite write, CancellationToken cancellationToken = default) =>
        (await WriteAsync(new AddWork(write), cancellationToken).ConfigureAwait(false)).Found;

    /// <inheritdoc/>
    public async ValueTask<bool> ReplaceAsync(Guid expected, AppendKeyWrite write, CancellationToken cancellationToken = default) =>
        (await WriteAsync(new ReplaceWork(expected, write), cancellationToken).ConfigureAwait(false)).Rows > 0;

    /// <inheritdoc/>
    public async ValueTask<int> DeleteExpiredAsync(int limit, CancellationToken cancellationToken = default) =>
        (await WriteAsync(new DeleteExpiredWork(limit), cancellationToken).ConfigureAwait(false)).Rows;

    /// <summary>Writes what is queued, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _file.Dispose();
        await _writer.DisposeAsync().ConfigureAwait(false);
    }

    private Task<KeyAnswer> WriteAsync(KeyWork work, CancellationToken cancellationToken)
    {
        _writer.Enqueue(work, cancellationToken);
        return work.Task;
    }
}
