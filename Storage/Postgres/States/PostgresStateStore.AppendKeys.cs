using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres.States;

// Schema/Scripts/0003-append-keys.sql describes the table. Each member is one statement, or a statement and a query after it, so that it
// works behind a pooler too. The age of a row is the time since the statement that wrote it began: that is never later than its answer.

/// <summary>Append keys, on the connections of the state store.</summary>
public sealed partial class PostgresStateStore : IAppendKeys
{
    /// <inheritdoc/>
    public ValueTask<StoredAppendKey?> AddAsync(AppendKeyWrite write, CancellationToken cancellationToken = default) => RunAsync(
        async ct =>
        {
            // A row that was there may have been deleted before it is read: then it can be added.
            while (true)
            {
                if (await ChangeAsync(_keys.Insert, Parameters(write), ct).ConfigureAwait(false) > 0)
                    return null;
                if (await FindAsync(write.Id, ct).ConfigureAwait(false) is { } found)
                    return found;
            }
        },
        cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<bool> ReplaceAsync(Guid expected, AppendKeyWrite write, CancellationToken cancellationToken = default) =>
        await RunAsync(
            ct => ChangeAsync(_keys.Update, [.. Parameters(write), PostgresValue.Of(expected)], ct), cancellationToken)
            .ConfigureAwait(false) > 0;

    /// <inheritdoc/>
    public ValueTask<int> DeleteExpiredAsync(int limit, CancellationToken cancellationToken = default) =>
        RunAsync(ct => ChangeAsync(_keys.DeleteExpired, [PostgresValue.Of((long)limit)], ct), cancellationToken);

    private async Task<int> ChangeAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        using var command = _source.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<StoredAppendKey?> FindAsync(string id, CancellationToken cancellationToken)
    {
        using var command = _source.CreateCommand(_keys.Select);
        command.Parameters.Add(PostgresValue.Of(id));
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var closing = rows.ConfigureAwait(false);
        return await rows.ReadAsync(cancellationToken).ConfigureAwait(false)
            ? new(rows.GetGuid(0), rows.GetFieldValue<byte[]>(1), TimeSpan.FromMilliseconds(rows.GetInt64(2)))
            : null;
    }

    private static NpgsqlParameter[] Parameters(AppendKeyWrite write) =>
    [
        PostgresValue.Of(write.Id), PostgresValue.Of(write.Token), PostgresValue.Of(write.Data),
        PostgresValue.Of((long)write.Lifetime.TotalMilliseconds),
    ];

    private sealed class KeyStatements(string table)
    {
        private const string Expires = "now() + $4 * interval '1 millisecond'";

        public string Insert { get; } = $"""
            INSERT INTO {table} AS k (id, token, data, written_at, expires_at) VALUES ($1, $2, $3, now(), {Expires})
            ON CONFLICT (id) DO UPDATE SET token = excluded.token, data = excluded.data, written_at = excluded.written_at,
                expires_at = excluded.expires_at
            WHERE k.expires_at <= now()
            """;

        public string Update { get; } = $"""
            UPDATE {table} SET token = $2, data = $3, written_at = now(), expires_at = {Expires}
            WHERE id = $1 AND token = $5 AND expires_at > now()
            """;

        public string Select { get; } = $"""
            SELECT token, data, (extract(epoch FROM clock_timestamp() - written_at) * 1000)::bigint FROM {table}
            WHERE id = $1 AND expires_at > now()
            """;

        public string DeleteExpired { get; } = $"""
            DELETE FROM {table} WHERE id IN (
                SELECT id FROM {table} WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
            """;
    }
}
