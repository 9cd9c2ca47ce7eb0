using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace ActorStreams.Storage.Sqlite.Files;

/// <summary>How one SQLite file is opened, and how its errors are reported to callers.</summary>
internal sealed record SqliteFileSpec
{
    /// <summary>The public type that the file belongs to, for errors after it is disposed.</summary>
    public required Type Owner { get; init; }

    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>What the file is, in an error's words: "change log".</summary>
    public required string Kind { get; init; }

    /// <summary>
    /// The format's number, in the file as <c>PRAGMA user_version</c>. Raise it with every change of <see cref="Schema"/>, and add to
    /// <see cref="Upgrades"/>.
    /// </summary>
    public required int Format { get; init; }

    /// <summary>What makes a file of each format one of the next, from format 1 on.</summary>
    public IReadOnlyList<string> Upgrades { get; init; } = [];

    /// <summary>What creates the tables of a new file.</summary>
    public required string Schema { get; init; }

    /// <summary>How a commit reaches the disk: FULL or NORMAL.</summary>
    public required string Synchronous { get; init; }

    /// <summary>The page size of a new file, in bytes.</summary>
    public required int PageBytes { get; init; }

    /// <summary>How many connections read at once.</summary>
    public required int Readers { get; init; }

    /// <summary>What each connection keeps of the file in memory, in KiB.</summary>
    public required int CacheKibibytes { get; init; }

    /// <summary>How long a statement waits for another process's lock.</summary>
    public required int LockWaitMilliseconds { get; init; }

    /// <summary>Makes the exception for "not now, try again".</summary>
    public required Func<string, Exception, Exception> Unavailable { get; init; }
}

/// <summary>
/// One SQLite file: opens the writer's connection, keeps the readers' pool, and translates errors. Reads run on the caller's thread:
/// they come from the page cache nearly always, and handing each to another thread would cost more than the read.
/// </summary>
internal sealed class SqliteFile(SqliteFileSpec spec) : IDisposable
{
    // Enough for a burst between two checkpoints of the WAL; beyond it the file is cut when the WAL starts anew.
    private const int WalBytesKept = 64 << 20;
    private const int WalBytesBeforeCheckpoint = 16 << 20;

    private readonly SemaphoreSlim _readers = new(spec.Readers);
    private readonly ConcurrentStack<SqliteSession> _idle = new();
    private volatile bool _disposed;

    public SqliteFileSpec Spec => spec;

    /// <summary>Opens the one connection that writes, creating the file or checking its format.</summary>
    public SqliteSession OpenWriter()
    {
        SqliteSession? session = null;
        try
        {
            session = new(spec.Path, readOnly: false, spec.LockWaitMilliseconds);
            session.ExecuteScript($"PRAGMA page_size={spec.PageBytes}; PRAGMA journal_mode=WAL; PRAGMA synchronous={spec.Synchronous};"
                + $"PRAGMA wal_autocheckpoint={WalBytesBeforeCheckpoint / spec.PageBytes}; PRAGMA journal_size_limit={WalBytesKept};"
                + $"PRAGMA cache_size=-{spec.CacheKibibytes};");
            CheckFormat(session);
            return session;
        }
        catch (Exception error)
        {
            session?.Dispose();
            throw Translate(error);
        }
    }

    /// <summary>Reads with one of the pool's connections; waits when all are taken.</summary>
    public async ValueTask<T> ReadAsync<TArgument, T>(
        TArgument argument, Func<SqliteSession, TArgument, T> read, CancellationToken cancellationToken)
    {
        await _readers.WaitAsync(cancellationToken).ConfigureAwait(false);
        SqliteSession? session = null;
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, spec.Owner);
            session = _idle.TryPop(out var idle) ? idle : OpenReader();
            return read(session, argument);
        }
        catch (SqliteException error)
        {
            throw Translate(error);
        }
        finally
        {
            if (session is not null)
                _idle.Push(session);
            _readers.Release();
            if (_disposed)
                CloseIdle();
        }
    }

    /// <summary>The exception callers are to see for this error; errors that are not SQLite's stay as they are.</summary>
    public Exception Translate(Exception error) =>
        error is SqliteException fault ? SqliteFault.Translate(fault, spec) : error;

    public void Dispose()
    {
        _disposed = true;
        CloseIdle();
    }

    private SqliteSession OpenReader()
    {
        var session = new SqliteSession(spec.Path, readOnly: true, spec.LockWaitMilliseconds);
        session.ExecuteScript($"PRAGMA cache_size=-{spec.CacheKibibytes};");
        return session;
    }

    private void CheckFormat(SqliteSession session)
    {
        var found = SqliteSession.Number(session.Prepare("PRAGMA user_version")) ?? 0;
        if (found > spec.Format)
        {
            throw new NewerFormatException(
                $"The {spec.Kind} '{spec.Path}' has format {found}, and this program knows formats up to {spec.Format}. "
                + "Run the newer program that wrote it.");
        }

        if (found == spec.Format)
            return;
        var script = found == 0 ? spec.Schema : string.Concat(spec.Upgrades.Skip((int)found - 1));
        session.ExecuteScript($"BEGIN IMMEDIATE; {script} PRAGMA user_version={spec.Format}; COMMIT;");
    }

    private void CloseIdle()
    {
        while (_idle.TryPop(out var session))
            session.Dispose();
    }
}
