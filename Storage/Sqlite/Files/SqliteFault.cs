using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ActorStreams.Storage.Sqlite.Files;

/// <summary>Describes an error of SQLite for its reader: what failed, on which file, and the remedy.</summary>
internal static class SqliteFault
{
    /// <summary>Whether a retry can succeed, after the remedy that the message names.</summary>
    public static bool IsPassing(SqliteException error) => Remedy(error) is not null;

    public static Exception Translate(SqliteException error, SqliteFileSpec file) => error.SqliteErrorCode switch
    {
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => new DamagedFileException(
            $"The {file.Kind} '{file.Path}' is damaged ({error.Message}). Stop the program and restore the file from a backup.", error),
        _ when Remedy(error) is { } remedy => file.Unavailable($"The {file.Kind} '{file.Path}' {remedy} ({error.Message})", error),
        _ => error,
    };

    private static string? Remedy(SqliteException error) => error.SqliteErrorCode switch
    {
        raw.SQLITE_FULL => "cannot grow: the disk is full. Free space on it; nothing needs to be restarted.",
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_PROTOCOL =>
            "is locked by another process. Wait until that process is done, or stop it.",
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH =>
            "cannot be written: the file or its directory is read-only. Give this process write access.",
        raw.SQLITE_IOERR => "could not be read or written by the operating system. Check the disk and the system's log.",
        raw.SQLITE_CANTOPEN => "cannot be opened. Check that its directory exists and this process may write there.",
        raw.SQLITE_NOMEM => "could not be used: this process has too little memory. Give it more, or lower its bounds.",
        raw.SQLITE_CONSTRAINT => "was changed by another process, which must not happen. Stop that process, then restart this one.",
        _ => null,
    };
}
