using System.Net.Sockets;
using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres;

/// <summary>Says in a sentence what an error of PostgreSQL means for the one who reads it. What is no fault of the surroundings stays as it is: a bug.</summary>
internal static class PostgresFault
{
    /// <summary>Whether the caller may try again, once somebody did what the message says.</summary>
    public static bool IsPassing(Exception error) => Remedy(error) is not null || Inner<StoreUnavailableException>(error) is not null;

    public static StoreUnavailableException Translate(Exception error, string place) => Inner<StoreUnavailableException>(error)
        ?? new($"PostgreSQL at {place} {Remedy(error)} ({(Inner<PostgresException>(error) ?? error).Message})", error);

    private static string? Remedy(Exception error) => Inner<PostgresException>(error) is { } answer ? Remedy(answer.SqlState) : error switch
    {
        NpgsqlException when error.Message.Contains("pool has been exhausted", StringComparison.Ordinal) =>
            "has no free connection for this process: all of its pool are in use. Raise Postgres:MaxConnections, or look why commands take so long.",
        NpgsqlException { InnerException: TimeoutException } or TimeoutException =>
            "did not answer in time. Look at its load and its locks, or raise Postgres:CommandTimeoutSeconds.",
        NpgsqlException { InnerException: SocketException or IOException } or SocketException or IOException =>
            "is out of reach. Look whether it runs and can be reached from here; nothing needs to be restarted.",
        NpgsqlException { IsTransient: true } => "cannot be used now. Nothing needs to be restarted.",
        _ => null,
    };

    private static string? Remedy(string state) => state switch
    {
        "53100" => "cannot grow: its disk is full. Make room on it; nothing needs to be restarted.",
        "53300" => "has no connection left. Raise its max_connections, or lower Postgres:MaxConnections of the silos.",
        "25006" => "is read-only: a standby, or default_transaction_read_only. Connect to the primary (Target Session Attributes=primary), or make it writable.",
        "28P01" or "28000" => "does not let this role in. Look at its user name, its password (Postgres:PasswordFile) and pg_hba.conf.",
        "3D000" => "has no such database. Create it, or correct Postgres:ConnectionString.",
        "3F000" or "42P01" or "42703" => "lacks tables that this version needs. Run the silo with --migrate.",
        "42501" => "does not allow this to the role. Grant it what docs/operate/postgres.md lists, or run --migrate as the owner of the schema.",
        "55P03" => "has kept a lock for too long: another process is at work there. Let it finish, then try again.",
        "57014" => "took too long for a command. Look at its load and its locks, or raise Postgres:CommandTimeoutSeconds.",
        "57P03" => "is starting or stopping. Nothing needs to be restarted.",
        "25P03" or "40001" or "40P01" => "gave up this transaction in favour of another. Nothing needs to be done.",
        _ when state.StartsWith("57P", StringComparison.Ordinal) => "has ended the connection. Look whether it runs; nothing needs to be restarted.",
        _ when state.StartsWith("08", StringComparison.Ordinal) => "is out of reach. Look whether it runs and can be reached from here; nothing needs to be restarted.",
        _ when state.StartsWith("53", StringComparison.Ordinal) => "is short of memory or of another resource. Look at its log.",
        _ when state.StartsWith("58", StringComparison.Ordinal) => "had an error of its operating system. Look at its log and its disk.",
        _ => null,
    };

    private static T? Inner<T>(Exception? error)
        where T : Exception
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is T found)
                return found;
        }

        return null;
    }
}
