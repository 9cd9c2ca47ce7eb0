using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres;

/// <summary>The pools of connections, each for its use.</summary>
public static class PostgresConnections
{
    /// <summary>Connections of Orleans at most, for membership, reminders and the states of its grains.</summary>
    public const int MaxOrleansConnections = 10;

    // Every query of the state store has one right plan, by the index, whatever the tables hold. Statistics would only make it worse: those
    // of a table that was empty a minute ago choose a scan of all that came since. So plans are made once, and have no alternative.
    private const string IndexPlans =
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c "
        + "enable_mergejoin=off";

    /// <summary>
    /// The pool to give to Orleans (<c>options.DataSource</c>, with invariant <c>Npgsql</c>). Its queries find their tables by the
    /// <c>search_path</c>, and a changed password file is used for the next connection. The caller disposes of it after the host.
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
        if (options.TransactionPooling)
            return; // each statement is planned when it runs, for the tables as they are then
        settings.MaxAutoPrepare = 200;
        settings.AutoPrepareMinUsages = 2;
        // An owner whose machine is gone must not hold its partition's row until TCP times out, which takes hours.
        var milliseconds = options.CommandTimeoutSeconds * 1_000;
        settings.Options += string.Create(
            CultureInfo.InvariantCulture, $" -c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}")
            + IndexPlans;
    });

    /// <summary>For set-up: a script may take long.</summary>
    internal static NpgsqlDataSource Migration(PostgresOptions options) => Build(options, settings =>
    {
        settings.Pooling = false;
        settings.CommandTimeout = 0;
    });

    /// <summary>The server as messages name it: without the password.</summary>
    internal static string Place(PostgresOptions options)
    {
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        var hosts = (settings.Host ?? "").Split(',')
            .Select(host => HasPort(host) ? host : string.Create(CultureInfo.InvariantCulture, $"{host}:{settings.Port}"));
        return $"{string.Join(',', hosts)}/{settings.Database ?? settings.Username}, schema {options.Schema}";
    }

    // A path is a socket's directory, and more than one colon an address of IPv6.
    private static bool HasPort(string host) => !host.StartsWith('/') && host.Count(c => c == ':') == 1;

    private static NpgsqlDataSource Build(PostgresOptions options, Action<NpgsqlConnectionStringBuilder> configure)
    {
        var builder = new NpgsqlDataSourceBuilder(options.ConnectionString);
        var settings = builder.ConnectionStringBuilder;
        settings.ApplicationName ??= "actorstreams";
        if (options.TransactionPooling)
            settings.NoResetOnClose = true;
        else
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
            throw new StoreUnavailableException(
                $"The password file '{file}' of PostgreSQL cannot be read. Give this process a file that it can read. ({error.Message})",
                error);
        }
    }
}
