using System.Net.Sockets;
using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres;

/// <summary>
/// Explains an error of PostgreSQL in one sentence with its remedy. An error that neither the server nor the network
/// caused is a bug and stays as it is.
/// </summary>
internal static class PostgresFault
{
    private const string NoHost =
        "has no host that can be used now: none can be reached, or none is what Target Session Attributes requires. "
        + "Nothing needs to be restarted.";

    private const string OutOfReach = "is out of reach. Check that it runs and can be reached from here; nothing needs to be restarted.";

    /// <summary>Whether a later attempt can succeed, after the remedy that the message names.</summary>
    public static bool IsPassing(Exception error) => Remedy(error) is not null || Inner<StoreUnavailableException>(error) is not null;

    public static StoreUnavailableException Translate(Exception error, string place) =>
        Inner<StoreUnavailableException>(error) ?? new($"PostgreSQL at {place} {Remedy(error)} ({Detail(error)})", error);

    private static string Detail(Exception error) => (Inner<AggregateException>(error) ?? Inner<PostgresException>(error) ?? error).Message;

    private static string? Remedy(Exception error)
    {
        // With several hosts each has an error of its own; without one, no host is what Target Session Attributes requires.
        if (Inner<AggregateException>(error) is { } several)
            return several.InnerExceptions.OfType<PostgresException>().Where(answer => !IsEnd(answer)).Select(Remedy).FirstOrDefault()
                ?? NoHost;
        return Inner<PostgresException>(error) is { } answer ? Remedy(answer) : RemedyOfClient(error);
    }

    private static string? RemedyOfClient(Exception error) => error switch
    {
        NpgsqlException when error.Message.Contains("No suitable host", StringComparison.Ordinal) => NoHost,
        NpgsqlException when error.Message.Contains("pool has been exhausted", StringComparison.Ordinal) =>
            "has no free connection for this process: all of its pool are in use. "
            + "Raise Postgres:MaxConnections, or find out why commands take so long.",
        NpgsqlException { InnerException: TimeoutException } or TimeoutException =>
            "did not answer in time. Check its load and its locks, or raise Postgres:CommandTimeoutSeconds.",
        NpgsqlException { InnerException: SocketException or IOException } or SocketException or IOException => OutOfReach,
        NpgsqlException { IsTransient: true } => "cannot be used now. Nothing needs to be restarted.",
        _ => null,
    };

    /// <summary>Whether the server ended or refused the connection because it stops or starts.</summary>
    private static bool IsEnd(PostgresException error) => error.SqlState.StartsWith("57P", StringComparison.Ordinal);

    private static string? Remedy(PostgresException error) => error.SqlState switch
    {
        "08P01" when error.MessageText.Contains("startup parameter", StringComparison.Ordinal) =>
            "is behind a pooler that refuses parameters of a session, as PgBouncer does. "
            + "Set Postgres:TransactionPooling=true, or connect to PostgreSQL directly.",
        "53100" => "cannot grow: its disk is full. Free space on it; nothing needs to be restarted.",
        "53300" => "has no connection left. Raise its max_connections, or lower Postgres:MaxConnections of the silos.",
        "25006" => "is read-only: a standby, or default_transaction_read_only. Connect to the primary (Target Session Attributes=primary), "
            + "or make it writable.",
        "28P01" or "28000" => "refuses this role. Check its user name, its password (Postgres:PasswordFile) and pg_hba.conf.",
        "3D000" => "has no such database. Create it, or correct Postgres:ConnectionString.",
        "3F000" or "42P01" or "42703" => "lacks tables that this version needs. Run the silo with --migrate.",
        "42501" =>
            "does not allow this to the role. Grant it what docs/operate/postgres.md lists, or run --migrate as the owner of the schema.",
        "55P03" => "held a lock for too long: another process is at work there. Wait until it is done, then try again.",
        "57014" => "took too long for a command. Check its load and its locks, or raise Postgres:CommandTimeoutSeconds.",
        "57P03" => "is starting or stopping. Nothing needs to be restarted.",
        "25P03" or "40001" or "40P01" => "aborted this transaction in favour of another. Nothing needs to be done.",
        _ when IsEnd(error) => "has ended the connection. Check that it runs; nothing needs to be restarted.",
        var state when state.StartsWith("08", StringComparison.Ordinal) => OutOfReach,
        var state when state.StartsWith("53", StringComparison.Ordinal) => "is short of memory or of another resource. Check its log.",
        var state when state.StartsWith("58", StringComparison.Ordinal) =>
            "had an error of its operating system. Check its log and its disk.",
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
