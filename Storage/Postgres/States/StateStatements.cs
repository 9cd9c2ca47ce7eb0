namespace ActorStreams.Storage.Postgres.States;

/// <summary>
/// The state store's statements. Every table is named with its schema, so that no statement depends on the session's search_path.
/// </summary>
internal sealed class StateStatements
{
    private const string Further = "WITH moved AS (SELECT $13 AS id)";

    public StateStatements(string schema)
    {
        var (partition, state) = (Identifier.Of(schema, "partition"), Identifier.Of(schema, "state"));
        var (contribution, dataset) = (Identifier.Of(schema, "contribution"), Identifier.Of(schema, "dataset"));
        const string ofPartition = "dataset = $1 AND version = $2 AND number = $3";
        var partitionId = $"(SELECT id FROM {partition} WHERE {ofPartition})";
        SelectCheckpoint = $"SELECT position, states, marks FROM {partition} WHERE {ofPartition}";
        SelectStates = $"""SELECT key, value, "offset", timestamp FROM {state} WHERE partition_id = {partitionId} AND key = ANY($4)""";
        SelectRange = $"""
            SELECT key, value, "offset", timestamp FROM {state}
            WHERE partition_id = {partitionId} AND key >= $4 AND key < $5 ORDER BY key LIMIT $6
            """;
        ScanContributions = $"""
            SELECT wanted.number, c.element, c.value FROM unnest($4, $5, $6) WITH ORDINALITY AS wanted (key, slot, most, number), LATERAL (
                SELECT element, value FROM {contribution}
                WHERE partition_id = {partitionId} AND key = wanted.key AND slot = wanted.slot ORDER BY element LIMIT wanted.most) AS c
            """;
        SelectContributions = $"""
            SELECT wanted.key, wanted.slot, wanted.element, c.value FROM unnest($4, $5, $6) AS wanted (key, slot, element), LATERAL (
                SELECT value FROM {contribution}
                WHERE partition_id = {partitionId} AND key = wanted.key AND slot = wanted.slot AND element = wanted.element LIMIT 1) AS c
            """;
        SelectDatasets = $"SELECT name, description FROM {dataset}";
        DeleteDatasets = $"DELETE FROM {dataset}";
        InsertDatasets = $"INSERT INTO {dataset} (name, description) SELECT * FROM unnest($1, $2)";
        TruncateStates = $"TRUNCATE {state}, {contribution}";
        DeletePartitions = $"DELETE FROM {partition}";
        var rows = WriteRows(state, contribution);
        (WriteFirst, WriteNext, WriteFurther) = (InsertPosition(partition) + rows, UpdatePosition(partition) + rows, Further + rows);
    }

    public string SelectCheckpoint { get; }

    public string SelectStates { get; }

    public string SelectRange { get; }

    public string ScanContributions { get; }

    public string SelectContributions { get; }

    public string SelectDatasets { get; }

    public string DeleteDatasets { get; }

    public string InsertDatasets { get; }

    public string TruncateStates { get; }

    public string DeletePartitions { get; }

    /// <summary>Writes a partition's first checkpoint.</summary>
    public string WriteFirst { get; }

    /// <summary>Writes a checkpoint that follows another.</summary>
    public string WriteNext { get; }

    /// <summary>Writes further rows of a checkpoint that was cut into several statements.</summary>
    public string WriteFurther { get; }

    private static string InsertPosition(string partition) => $"""
        WITH moved AS (
            INSERT INTO {partition} (dataset, version, number, position, states, marks) VALUES ($13, $14, $15, $16, $17, $18)
            ON CONFLICT DO NOTHING RETURNING id)
        """;

    private static string UpdatePosition(string partition) => $"""
        WITH moved AS (
            UPDATE {partition} SET position = $16, states = $17, marks = $18
            WHERE dataset = $13 AND version = $14 AND number = $15 AND position = $19
            RETURNING id)
        """;

    // What is deleted of contributions is looked up one by one (LATERAL … LIMIT 1): a join would be free to read all of the partition.
    private static string WriteRows(string state, string contribution) => $"""
        , states AS (
            INSERT INTO {state} (partition_id, key, value, "offset", timestamp)
            SELECT moved.id, given.* FROM moved, unnest($1, $2, $3, $4) AS given
            ON CONFLICT (partition_id, key) DO UPDATE
            SET value = excluded.value, "offset" = excluded."offset", timestamp = excluded.timestamp),
        gone_states AS (
            DELETE FROM {state} USING moved WHERE partition_id = moved.id AND key = ANY($5)),
        contributions AS (
            INSERT INTO {contribution} (partition_id, key, slot, element, value)
            SELECT moved.id, given.* FROM moved, unnest($6, $7, $8, $9) AS given
            ON CONFLICT (partition_id, key, slot, element) DO UPDATE SET value = excluded.value),
        gone_contributions AS (
            DELETE FROM {contribution} WHERE ctid = ANY (ARRAY(
                SELECT c.ctid FROM moved, unnest($10, $11, $12) AS given (key, slot, element), LATERAL (
                    SELECT ctid FROM {contribution}
                    WHERE partition_id = moved.id AND key = given.key AND slot = given.slot AND element = given.element LIMIT 1) AS c)))
        SELECT id FROM moved
        """;
}
