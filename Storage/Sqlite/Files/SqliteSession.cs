using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ActorStreams.Storage.Sqlite.Files;

/// <summary>One connection and its prepared statements, for one thread at a time.</summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly sqlite3 _database;
    private readonly Dictionary<string, SqliteStatement> _statements = [];

    static SqliteSession() => Batteries_V2.Init();

    /// <param name="path">The file; created where it does not exist, unless read only.</param>
    /// <param name="readOnly">Readers cannot write by mistake.</param>
    /// <param name="lockWaitMilliseconds">How long a statement waits for another process's lock.</param>
    public SqliteSession(string path, bool readOnly, int lockWaitMilliseconds)
    {
        var flags = raw.SQLITE_OPEN_NOMUTEX | (readOnly ? raw.SQLITE_OPEN_READONLY : raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE);
        var result = raw.sqlite3_open_v2(path, out _database, flags, null);
        try
        {
            SqliteException.ThrowExceptionForRC(result, _database);
            _ = raw.sqlite3_extended_result_codes(_database, 1);
            _ = raw.sqlite3_busy_timeout(_database, lockWaitMilliseconds);
        }
        catch
        {
            _database.Dispose();
            throw;
        }
    }

    /// <summary>Whether a transaction is open. SQLite ends one by itself on some errors.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(_database) == 0;

    /// <summary>The statement for this text, prepared once.</summary>
    public SqliteStatement Prepare(string sql)
    {
        if (_statements.TryGetValue(sql, out var statement))
            return statement;
        SqliteException.ThrowExceptionForRC(
            raw.sqlite3_prepare_v3(_database, sql, raw.SQLITE_PREPARE_PERSISTENT, out var prepared), _database);
        return _statements[sql] = new(_database, prepared);
    }

    /// <summary>Runs a statement that has no parameters and no rows to give.</summary>
    public void Execute(string sql) => Prepare(sql).Run();

    /// <summary>Runs a script, once.</summary>
    public void ExecuteScript(string sql) => SqliteException.ThrowExceptionForRC(raw.sqlite3_exec(_database, sql), _database);

    /// <summary>How many rows the last statement inserted, updated or deleted.</summary>
    public int Changed() => raw.sqlite3_changes(_database);

    /// <summary>The number in the first column of the first row; null when there is no row.</summary>
    public static long? Number(SqliteStatement statement)
    {
        long? number = statement.Step() ? statement.Long(0) : null;
        statement.Reset();
        return number;
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
            statement.Dispose();
        _database.Dispose();
    }
}
