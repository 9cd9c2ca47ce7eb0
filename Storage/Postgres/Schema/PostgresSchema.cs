using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres.Schema;

/// <summary>
/// Sets the schema up and brings it to this version: numbered scripts, each applied once and recorded with its checksum in the table
/// <c>applied_script</c>. A script that was ever released never changes; what is to be changed comes in a new one.
/// </summary>
public static class PostgresSchema
{
    // A migration waits this long for each lock that a running silo has.
    private const string LockWait = "SET LOCAL lock_timeout = '300s'";

    /// <summary>
    /// Applies the scripts that are missing, and grants <see cref="PostgresOptions.SiloRole"/> what it needs, all in one transaction.
    /// Several processes may migrate at once: one applies the scripts, the others wait and find nothing left to do.
    /// </summary>
    /// <returns>The names of those that were applied now.</returns>
    /// <exception cref="ArgumentException">Options are wrong.</exception>
    /// <exception cref="NewerFormatException">A newer version has set the schema up.</exception>
    /// <exception cref="SchemaMismatchException">A script was applied that is not the one of its name here.</exception>
    /// <exception cref="StoreUnavailableException">PostgreSQL is out of reach, or does not allow this to the role.</exception>
    public static Task<IReadOnlyList<string>> MigrateAsync(PostgresOptions options, CancellationToken cancellationToken = default) =>
        ConnectedAsync(options, connection => MigrateAsync(connection, options, cancellationToken), cancellationToken);

    /// <summary>
    /// Checks that all scripts are applied, and no other, and that the server waits for its disk. It needs no right but to read.
    /// </summary>
    /// <exception cref="ArgumentException">Options are wrong.</exception>
    /// <exception cref="NewerFormatException">A newer version has set the schema up.</exception>
    /// <exception cref="SchemaMismatchException">Scripts are missing or others were applied, or commits are not waited for.</exception>
    /// <exception cref="StoreUnavailableException">PostgreSQL is out of reach, or does not allow this to the role.</exception>
    public static Task CheckAsync(PostgresOptions options, CancellationToken cancellationToken = default) =>
        ConnectedAsync(options, connection => CheckAsync(connection, options, cancellationToken), cancellationToken);

    /// <summary>What a role needs that runs silos but may not change the schema; run by the schema's owner after each migration.</summary>
    public static string GrantStatements(string schema, string role)
    {
        var (place, grantee) = (Identifier.Of(schema), Identifier.Of(role));
        return $"""
            GRANT USAGE ON SCHEMA {place} TO {grantee};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {place} TO {grantee};
            GRANT EXECUTE ON FUNCTION {place}.make_build(text, integer), {place}.drop_build(text, integer) TO {grantee};
            REVOKE TRUNCATE ON {place}.state, {place}.contribution FROM {grantee};
            REVOKE INSERT, UPDATE, DELETE ON {place}.applied_script, {place}.orleansquery, {place}.build FROM {grantee};
            """;
    }

    private static async Task<T> ConnectedAsync<T>(
        PostgresOptions options, Func<NpgsqlConnection, Task<T>> run, CancellationToken cancellationToken)
    {
        options.Validate();
        try
        {
            var source = PostgresConnections.Migration(options);
            await using var endingSource = source.ConfigureAwait(false);
            var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var closing = connection.ConfigureAwait(false);
            return await run(connection).ConfigureAwait(false);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && PostgresFault.IsPassing(error))
        {
            throw PostgresFault.Translate(error, PostgresConnections.Place(options));
        }
    }

    // One transaction: whatever fails, nothing has changed. Its locks and settings end with it, on every kind of connection.
    private static async Task<IReadOnlyList<string>> MigrateAsync(
        NpgsqlConnection connection, PostgresOptions options, CancellationToken cancellationToken)
    {
        var schema = options.Schema;
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var ending = transaction.ConfigureAwait(false);
        await ExecuteAsync(connection, LockWait, [], cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(
            connection, "SELECT pg_advisory_xact_lock($1)", [PostgresValue.Of(AdvisoryLock.Of(schema, "migration"))],
            cancellationToken).ConfigureAwait(false);
        // Asked first: IF NOT EXISTS alone needs the right to create even where the schema exists.
        if (!await AskAsync(
            connection, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema, cancellationToken).ConfigureAwait(false))
            await ExecuteAsync(connection, $"CREATE SCHEMA {Identifier.Of(schema)}", [], cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(connection, $"SET LOCAL search_path = {Identifier.Of(schema)}", [], cancellationToken).ConfigureAwait(false);
        var missing = Missing(await AppliedAsync(connection, schema, cancellationToken).ConfigureAwait(false), schema);
        foreach (var script in missing)
        {
            await ExecuteAsync(connection, script.Sql, [], cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(
                connection,
                "INSERT INTO applied_script (name, checksum) VALUES ($1, $2)",
                [
                    PostgresValue.Of(script.Name), PostgresValue.Of(script.Checksum),
                ],
                cancellationToken).ConfigureAwait(false);
        }

        if (!string.IsNullOrEmpty(options.SiloRole))
            await GrantAsync(connection, schema, options.SiloRole, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return [.. missing.Select(script => script.Name)];
    }

    private static async Task GrantAsync(NpgsqlConnection connection, string schema, string role, CancellationToken cancellationToken)
    {
        if (!await AskAsync(
            connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role, cancellationToken).ConfigureAwait(false))
        {
            throw new SchemaMismatchException(
                $"Postgres:SiloRole is '{role}', but PostgreSQL has no such role. Create it (CREATE ROLE {Identifier.Of(role)} LOGIN "
                + "PASSWORD '…') and migrate again.");
        }

        await ExecuteAsync(connection, GrantStatements(schema, role), [], cancellationToken).ConfigureAwait(false);
    }

    private static async Task<bool> CheckAsync(NpgsqlConnection connection, PostgresOptions options, CancellationToken cancellationToken)
    {
        var schema = options.Schema;
        var missing = Missing(await AppliedAsync(connection, schema, cancellationToken).ConfigureAwait(false), schema);
        if (missing.Count > 0)
        {
            throw new SchemaMismatchException(
                $"The schema '{schema}' in PostgreSQL lacks {string.Join(", ", missing.Select(script => script.Name))}. "
                + "Run the silo once with --migrate.");
        }

        if (await AskAsync(connection, "SELECT current_schema() IS DISTINCT FROM $1", schema, cancellationToken).ConfigureAwait(false))
            throw new SchemaMismatchException(OtherSearchPath(options));
        if (await AskAsync(connection, "SELECT current_setting('synchronous_commit') = $1", "off", cancellationToken).ConfigureAwait(false))
        {
            throw new SchemaMismatchException(
                "PostgreSQL has synchronous_commit = off: after a crash of the server, commits would be missing that the silos rely on. "
                + "Set it to on, at least for this role (ALTER ROLE … SET synchronous_commit = on).");
        }

        return true;
    }

    private static string OtherSearchPath(PostgresOptions options) => options.TransactionPooling
        ? $"The search_path of this role does not begin with '{options.Schema}', where Orleans has its tables, "
            + "and a pooler sets none for a session. "
            + $"Set it for the role: ALTER ROLE … SET search_path = {Identifier.Of(options.Schema)}."
        : "A pooler between the silo and PostgreSQL ignores the parameters of a session (search_path is not the one that was set). "
            + "Set Postgres:TransactionPooling=true, or connect to PostgreSQL directly.";

    private static List<SchemaScript> Missing(Dictionary<string, string> applied, string schema)
    {
        var scripts = SchemaScript.All();
        var unknown = applied.Keys.Except(scripts.Select(script => script.Name)).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
        {
            throw new NewerFormatException(
                $"The schema '{schema}' in PostgreSQL was set up by a newer version: it has {string.Join(", ", unknown)}, "
                + "which this one does not know. Run the newer version.");
        }

        var other = scripts.FirstOrDefault(script => applied.TryGetValue(script.Name, out var checksum) && checksum != script.Checksum);
        return other is null ? [.. scripts.Where(script => !applied.ContainsKey(script.Name))] : throw new SchemaMismatchException(
            $"The schema '{schema}' in PostgreSQL was set up by another {other.Name} than the one of this version. "
            + "Run the version that set it up, or restore the script and apply it by hand.");
    }

    private static async Task<Dictionary<string, string>> AppliedAsync(
        NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        var applied = new Dictionary<string, string>();
        if (!await AskAsync(
            connection, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'applied_script')", schema,
            cancellationToken).ConfigureAwait(false))
            return applied;
        using var command = new NpgsqlCommand($"SELECT name, checksum FROM {Identifier.Of(schema, "applied_script")}", connection);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var closing = rows.ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            applied.Add(rows.GetString(0), rows.GetString(1));
        return applied;
    }

    private static async Task<bool> AskAsync(
        NpgsqlConnection connection, string sql, string argument, CancellationToken cancellationToken) =>
        (bool)(await ExecuteAsync(connection, sql, [PostgresValue.Of(argument)], cancellationToken).ConfigureAwait(false))!;

    private static async Task<object?> ExecuteAsync(
        NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }
}
