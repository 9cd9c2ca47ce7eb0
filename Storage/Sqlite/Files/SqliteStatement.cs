using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ActorStreams.Storage.Sqlite.Files;

/// <summary>
/// One prepared statement. SQLite is called without ADO.NET's layer here: a row through it costs several boxed values and
/// dictionary look-ups, which is more than SQLite itself needs for a small row.
/// </summary>
internal sealed class SqliteStatement(sqlite3 database, sqlite3_stmt statement) : IDisposable
{
    private const int StackBytes = 256;

    /// <summary>Refuses text that is no Unicode (half a surrogate pair): replaced by U+FFFD, two such keys would become one.</summary>
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    public SqliteStatement Bind(int index, long value)
    {
        Check(raw.sqlite3_bind_int64(statement, index, value));
        return this;
    }

    /// <summary>Binds a blob; SQLite copies it.</summary>
    public SqliteStatement Bind(int index, ReadOnlySpan<byte> value)
    {
        Check(raw.sqlite3_bind_blob(statement, index, value));
        return this;
    }

    /// <summary>Binds text as the blob of its UTF-8 bytes, which SQLite compares byte by byte, NUL and all.</summary>
    public SqliteStatement BindUtf8(int index, string value)
    {
        if (Utf8.GetMaxByteCount(value.Length) > StackBytes)
            return Bind(index, Utf8.GetBytes(value));
        Span<byte> bytes = stackalloc byte[StackBytes];
        return Bind(index, bytes[..Utf8.GetBytes(value, bytes)]);
    }

    /// <summary>Binds text as text, for names that people query with other tools.</summary>
    public SqliteStatement BindText(int index, string value)
    {
        Check(raw.sqlite3_bind_text(statement, index, Utf8.GetBytes(value)));
        return this;
    }

    /// <summary>Goes to the next row; at the end it resets and returns false.</summary>
    public bool Step()
    {
        var result = raw.sqlite3_step(statement);
        if (result == raw.SQLITE_ROW)
            return true;
        try
        {
            if (result != raw.SQLITE_DONE)
                SqliteException.ThrowExceptionForRC(result, database);
            return false;
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>Runs a statement that has no rows to give.</summary>
    public void Run()
    {
        while (Step())
        {
        }
    }

    /// <summary>Ends a read before its last row. A statement left open would hold its read transaction, and the WAL would grow.</summary>
    public void Reset() => raw.sqlite3_reset(statement);

    public long Long(int column) => raw.sqlite3_column_int64(statement, column);

    /// <summary>A blob; valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(statement, column);

    public string Utf8Text(int column) => Utf8.GetString(Bytes(column));

    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string();

    public void Dispose() => statement.Dispose();

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, database);
}
