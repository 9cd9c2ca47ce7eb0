using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres.Schema;

/// <summary>
/// Sets the schema up and brings it to this version: numbered scripts, each applied once, in its own transaction, and recorded with its checksum in
/// the table <c>applied_script</c>. A script that was ever released never changes; what is to be changed comes in a new one.
/// </summary>
public static class PostgresSchema
{
    /// <summary>Applies the scripts that are missing, and grants <see cref="PostgresOptions.SiloRole"/> what it needs. Many may do so at once: the others wait, and find nothing left to do.</summary>
    /// <returns>The names of those that were applied now.</returns>
    /// <exception cref="ArgumentException">Options are wrong.</exception>
    /// <exception cref="NewerFormatException">A newer version has set the schema up.</exception>
    /// <exception cref="SchemaMismatchException">A script was applied that is not the one of its name here.</exception>
    /// <exception cref="StoreUnavailableException">PostgreSQL is out of reach, or does not allow this to the role.</exception>
    public static Task<IReadOnlyList<string>> MigrateAsync(PostgresOptions options, CancellationToken cancellationToken = default) =>
        ConnectedAsync(options, connection => MigrateAsync(connection, options, cancellationToken), cancellationToken);

    /// <summary>Looks whether all scripts are applied, and no other, and whether the server waits for its disk. Needs no rights but to read.</summary>
    /// <exception cref="ArgumentException">Options are wrong.</exception>
    /// <exception cref="NewerFormatException">A newer version has set the schema up.</exception>
    /// <exception cref="SchemaMismatchException">Scripts are missing or others were applied, or commits are not waited for.</exception>
    /// <exception cref="StoreUnavailableException">PostgreSQL is out of reach, or does not allow this to the role.</exception>
    public static Task CheckAsync(PostgresOptions options, CancellationToken cancellationToken = default) =>
        ConnectedAsync(options, connection => CheckAsync(connection, options.Schema, cancellationToken), cancellationToken);

    /// <summary>What a role needs that runs silos but may not change the schema; run by the schema's owner after each migration.</summary>
    public static string GrantStatements(string schema, string role)
    {
        var (place, grantee) = (Quoted(schema), Quoted(role));
        return $"""
            GRANT USAGE ON SCHEMA {place} TO {grantee};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {place} TO {grantee};
            GRANT TRUNCATE ON {place}.state, {place}.contribution TO {grantee};
            REVOKE INSERT, UPDATE, DELETE ON {place}.applied_script, {place}.orleansquery FROM {grantee};
            """;
    }

    private static async Task<T> ConnectedAsync<T>(PostgresOptions options, Func<NpgsqlConnection, Task<T>> run, CancellationToken cancellationToken)
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

    private static async Task<IReadOnlyList<string>> MigrateAsync(NpgsqlConnection connection, PostgresOptions options, CancellationToken cancellationToken)
    {
        var schema = options.Schema;
        // Held by the connection, so that it goes with it, however that ends.
        await ExecuteAsync(connection, "SELECT pg_advisory_lock($1)", [PostgresValue.Of(AdvisoryLock.Of(schema, "migration"))], cancellationToken).ConfigureAwait(false);
        // Asked first: IF NOT EXISTS alone wants the right to create even where the schema exists.
        if (!await AskAsync(connection, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema, cancellationToken).ConfigureAwait(false))
            await ExecuteAsync(connection, $"CREATE SCHEMA {Quoted(schema)}", [], cancellationToken).ConfigureAwait(false);
        var missing = Missing(await AppliedAsync(connection, schema, cancellationToken).ConfigureAwait(false), schema);
        foreach (var script in missing)
        {
            var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using var ending = transaction.ConfigureAwait(false);
            await ExecuteAsync(connection, script.Sql, [], cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(
                connection, "INSERT INTO applied_script (name, checksum) VALUES ($1, $2)", [PostgresValue.Of(script.Name), PostgresValue.Of(script.Checksum)],
                cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }

        if (!string.IsNullOrEmpty(options.SiloRole))
            await GrantAsync(connection, schema, options.SiloRole, cancellationToken).ConfigureAwait(false);
        return [.. missing.Select(script => script.Name)];
    }

    private static async Task GrantAsync(NpgsqlConnection connection, string schema, string role, CancellationToken cancellationToken)
    {
        if (!await AskAsync(connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role, cancellationToken).ConfigureAwait(false))
            throw new SchemaMismatchException($"Postgres:SiloRole is '{role}', but PostgreSQL has no such role. Make it (CREATE ROLE {Quoted(role)} LOGIN PASSWORD '…'), and migrate once more.");
        await ExecuteAsync(connection, GrantStatements(schema, role), [], cancellationToken).ConfigureAwait(false);
    }

    private static async Task<bool> CheckAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        var missing = Missing(await AppliedAsync(connection, schema, cancellationToken).ConfigureAwait(false), schema);
        if (missing.Count > 0)
            throw new SchemaMismatchException($"The schema '{schema}' in PostgreSQL lacks {string.Join(", ", missing.Select(script => script.Name))}. Run the silo once with --migrate.");
        if (await AskAsync(connection, "SELECT current_setting('synchronous_commit') = $1", "off", cancellationToken).ConfigureAwait(false))
        {
            throw new SchemaMismatchException(
                "PostgreSQL has synchronous_commit = off: a crash of it could take back what the silos count on. Set it to on, at least for this role (ALTER ROLE … SET synchronous_commit = on).");
        }

        return true;
    }

    private static List<SchemaScript> Missing(Dictionary<string, string> applied, string schema)
    {
        var scripts = SchemaScript.All();
        var unknown = applied.Keys.Except(scripts.Select(script => script.Name)).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
        {
            throw new NewerFormatException(
                $"The schema '{schema}' in PostgreSQL was set up by a newer version: it has {string.Join(", ", unknown)}, which this one does not know. Run the newer version.");
        }

        var other = scripts.FirstOrDefault(script => applied.TryGetValue(script.Name, out var checksum) && checksum != script.Checksum);
        return other is null ? [.. scripts.Where(script => !applied.ContainsKey(script.Name))] : throw new SchemaMismatchException(
            $"The schema '{schema}' in PostgreSQL was set up by another {other.Name} than the one of this version. Run the version that set it up, or restore the script and apply it by hand.");
    }

    private static async Task<Dictionary<string, string>> AppliedAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        var applied = new Dictionary<string, string>();
        if (!await AskAsync(connection, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'applied_script')", schema, cancellationToken).ConfigureAwait(false))
            return applied;
        using var command = new NpgsqlCommand($"SELECT name, checksum FROM {Quoted(schema)}.applied_script", connection);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var closing = rows.ConfigureAwait(false);
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            applied.Add(rows.GetString(0), rows.GetString(1));
        return applied;
    }

    private static async Task<bool> AskAsync(NpgsqlConnection connection, string sql, string argument, CancellationToken cancellationToken) =>
        (bool)(await ExecuteAsync(connection, sql, [PostgresValue.Of(argument)], cancellationToken).ConfigureAwait(false))!;

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    private static string Quoted(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
