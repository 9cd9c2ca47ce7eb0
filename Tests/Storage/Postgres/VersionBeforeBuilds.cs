using System.Text;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using Npgsql;
using NpgsqlTypes;

namespace ActorStreams.Tests.Storage.Postgres;

/// <summary>
/// The version before builds, as PostgreSQL knew it: its schema, and its statements, word for word. A silo of it has its statements
/// prepared when the schema is upgraded under it.
/// </summary>
internal sealed class VersionBeforeBuilds : IAsyncDisposable
{
    private const string Rows = """
        , states AS (
            INSERT INTO "actorstreams"."state" (partition_id, key, value, "offset", timestamp)
            SELECT moved.id, given.* FROM moved, unnest($1, $2, $3, $4) AS given
            ON CONFLICT (partition_id, key) DO UPDATE
            SET value = excluded.value, "offset" = excluded."offset", timestamp = excluded.timestamp),
        gone_states AS (
            DELETE FROM "actorstreams"."state" USING moved WHERE partition_id = moved.id AND key = ANY($5)),
        contributions AS (
            INSERT INTO "actorstreams"."contribution" (partition_id, key, slot, element, value)
            SELECT moved.id, given.* FROM moved, unnest($6, $7, $8, $9) AS given
            ON CONFLICT (partition_id, key, slot, element) DO UPDATE SET value = excluded.value),
        gone_contributions AS (
            DELETE FROM "actorstreams"."contribution" WHERE ctid = ANY (ARRAY(
                SELECT c.ctid FROM moved, unnest($10, $11, $12) AS given (key, slot, element), LATERAL (
                    SELECT ctid FROM "actorstreams"."contribution"
                    WHERE partition_id = moved.id AND key = given.key AND slot = given.slot AND element = given.element LIMIT 1) AS c)))
        SELECT id FROM moved
        """;

    private const string WriteFirst = """
        WITH moved AS (
            INSERT INTO "actorstreams"."partition" (dataset, version, number, position, states, marks) VALUES ($13, $14, $15, $16, $17, $18)
            ON CONFLICT DO NOTHING RETURNING id)
        """ + Rows;

    private const string WriteNext = """
        WITH moved AS (
            UPDATE "actorstreams"."partition" SET position = $16, states = $17, marks = $18
            WHERE dataset = $13 AND version = $14 AND number = $15 AND position = $19
            RETURNING id)
        """ + Rows;

    private const string SelectPosition =
        "SELECT position FROM actorstreams.partition WHERE dataset = $1 AND version = $2 AND number = $3";

    private readonly NpgsqlDataSource _source;

    internal VersionBeforeBuilds(PostgresOptions options) => _source = NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(options.ConnectionString) { MaxAutoPrepare = 20, AutoPrepareMinUsages = 2, MaxPoolSize = 1 });

    /// <summary>Its schema in a new database.</summary>
    internal static async Task<PostgresOptions> NewSchemaAsync()
    {
        var options = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await PostgresServer.ExecuteAsync(options, "CREATE SCHEMA actorstreams");
        foreach (var script in SchemaScript.All().Where(script => string.CompareOrdinal(script.Name, "0003") < 0))
        {
            await PostgresServer.ExecuteAsync(options, script.Sql);
            await PostgresServer.ExecuteAsync(
                options, $"INSERT INTO applied_script (name, checksum) VALUES ('{script.Name}', '{script.Checksum}')");
        }

        return options;
    }

    /// <summary>
    /// Writes a checkpoint with the states k0, k1, …, each with a contribution, on the condition that it knew; false where refused.
    /// </summary>
    internal async Task<bool> WriteAsync(string dataset, int number, long position, long? expected, int states = 2)
    {
        await using var command = _source.CreateCommand(expected is null ? WriteFirst : WriteNext);
        var keys = Enumerable.Range(0, states).Select(i => Encoding.UTF8.GetBytes($"k{i}")).ToArray();
        var value = Encoding.UTF8.GetBytes($"{position}");
        foreach (var array in new object[]
        {
            keys, keys.Select(_ => value).ToArray(), keys.Select(_ => position).ToArray(), keys.Select(_ => 0L).ToArray(),
            new[] { "gone"u8.ToArray() }, keys, keys.Select(_ => 0).ToArray(), keys.Select(_ => "e"u8.ToArray()).ToArray(),
            keys.Select(_ => value).ToArray(), new[] { "gone"u8.ToArray() }, new[] { 0 }, new[] { "e"u8.ToArray() },
        })
            command.Parameters.Add(new() { Value = array });
        command.Parameters.AddRange(Address(dataset, number));
        foreach (var single in new object[] { position, (long)states, "marks"u8.ToArray() })
            command.Parameters.Add(new() { Value = single });
        if (expected is not null)
            command.Parameters.Add(new() { Value = expected.Value });
        return await command.ExecuteScalarAsync() is not null;
    }

    internal async Task<long?> PositionAsync(string dataset, int number)
    {
        await using var command = _source.CreateCommand(SelectPosition);
        command.Parameters.AddRange(Address(dataset, number));
        return (long?)await command.ExecuteScalarAsync();
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static NpgsqlParameter[] Address(string dataset, int number) =>
        [new() { Value = dataset, NpgsqlDbType = NpgsqlDbType.Text }, new() { Value = 1 }, new() { Value = number }];
}
