using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres;

/// <summary>The pools of connections, each for its use.</summary>
public static class PostgresConnections
{
    /// <summary>Connections of Orleans at most, for membership, reminders and the states of its grains.</summary>
    public const int MaxOrleansConnections = 10;

    private const int LockWaitSeconds = 300;

    // Every query of the state store has one right plan, by the index, whatever the tables hold. Statistics would only make it worse: those of
    // a table that was empty a minute ago choose a scan of all that came since. So plans are made once, and have no alternative.
    private const string IndexPlans =
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

    /// <summary>
    /// The pool to give to Orleans (<c>options.DataSource</c>, with invariant <c>Npgsql</c>): its queries find their tables in the schema, and a
    /// changed password file is heeded. The caller disposes of it after the host.
    /// </summary>
    /// <exception cref="ArgumentException">Options are wrong.</exception>
    public static NpgsqlDataSource Orleans(PostgresOptions options)
    {
        options.Validate();
        return Build(options, settings => settings.MaxPoolSize = MaxOrleansConnections);
    }

    internal static NpgsqlDataSource States(PostgresOptions options) => Build(options, settings =>
    {
        settings.MaxPoolSize = options.MaxConnections;
        settings.MaxAutoPrepare = 20;
        settings.AutoPrepareMinUsages = 2;
        // An owner whose machine is gone must not hold its partition's row until TCP gives up, which takes hours.
        var milliseconds = options.CommandTimeoutSeconds * 1_000;
        settings.Options += string.Create(CultureInfo.InvariantCulture, $" -c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}")
            + IndexPlans;
    });

    /// <summary>For set-up: a script may take long, and the lock on migrations goes with the connection.</summary>
    internal static NpgsqlDataSource Migration(PostgresOptions options) => Build(options, settings =>
    {
        settings.Pooling = false;
        settings.CommandTimeout = 0;
        settings.Options += string.Create(CultureInfo.InvariantCulture, $" -c lock_timeout={LockWaitSeconds}s");
    });

    /// <summary>What a message may say of the place: no password.</summary>
    internal static string Place(PostgresOptions options)
    {
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        return string.Create(CultureInfo.InvariantCulture, $"{settings.Host}:{settings.Port}/{settings.Database ?? settings.Username}, schema {options.Schema}");
    }

    private static NpgsqlDataSource Build(PostgresOptions options, Action<NpgsqlConnectionStringBuilder> configure)
    {
        var builder = new NpgsqlDataSourceBuilder(options.ConnectionString);
        var settings = builder.ConnectionStringBuilder;
        settings.ApplicationName ??= "actorstreams";
        settings.SearchPath = options.Schema;
        settings.CommandTimeout = options.CommandTimeoutSeconds;
        settings.Timeout = Math.Min(options.CommandTimeoutSeconds, settings.Timeout);
        settings.TcpKeepAlive = true;
        settings.TcpKeepAliveTime = 30;
        settings.TcpKeepAliveInterval = 10;
        settings.PersistSecurityInfo = false;
        settings.IncludeErrorDetail = false;
        configure(settings);
        if (!string.IsNullOrEmpty(options.PasswordFile))
            builder.UsePasswordProvider(_ => ReadPassword(options.PasswordFile), (_, _) => new(ReadPassword(options.PasswordFile)));
        return builder.Build();
    }

    private static string ReadPassword(string file)
    {
        try
        {
            return File.ReadAllText(file).TrimEnd('\r', '\n');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"The password file '{file}' of PostgreSQL cannot be read. Give this process a file that it can read. ({error.Message})", error);
        }
    }
}
