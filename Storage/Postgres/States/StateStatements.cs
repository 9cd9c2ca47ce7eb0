namespace ActorStreams.Storage.Postgres.States;

/// <summary>The statements that concern no build's rows: checkpoints, the catalog, and the tables of builds.</summary>
/// <remarks>Every table is named with its schema, so that no statement depends on the session's search_path.</remarks>
internal sealed class StoreStatements(string schema)
{
    /// <summary>Selects one partition by the first three parameters.</summary>
    internal const string OfPartition = "dataset = $1 AND version = $2 AND number = $3";

    /// <summary>Where a partition stands, and the home of its rows.</summary>
    public string SelectCheckpoint { get; } =
        $"SELECT checkpoint, position, states, marks, home FROM {Identifier.Of(schema, "partition")} WHERE {OfPartition}";

    public string SelectHome { get; } = $"SELECT home FROM {Identifier.Of(schema, "partition")} WHERE {OfPartition}";

    public string SelectCatalog { get; } = $"SELECT number, text FROM {Identifier.Of(schema, "catalog")}";

    public string UpdateCatalog { get; } =
        $"UPDATE {Identifier.Of(schema, "catalog")} SET number = $1, text = $2 WHERE number = $1 - 1";

    public string SelectDatasets { get; } = $"SELECT name, description FROM {Identifier.Of(schema, "dataset")}";

    public string MakeBuild { get; } = $"SELECT {Identifier.Of(schema, "make_build")}($1, $2)";

    public string DropBuild { get; } = $"SELECT {Identifier.Of(schema, "drop_build")}($1, $2)";

    public string DropRemains { get; } = $"SELECT {Identifier.Of(schema, "drop_remains")}($1)";
}

/// <summary>The statements that read and write the rows of one home: the tables of one build, or those that builds of old share.</summary>
internal sealed class StateStatements
{
    /// <summary>The home that all builds share which are older than builds.</summary>
    public const int SharedHome = 0;

    private const string Further = "WITH moved AS (SELECT $13 AS id)";

    public StateStatements(string schema, int home)
    {
        var suffix = home == SharedHome ? "" : string.Create(CultureInfo.InvariantCulture, $"_{home}");
        var (partition, state) = (Identifier.Of(schema, "partition"), Identifier.Of(schema, $"state{suffix}"));
        var contribution = Identifier.Of(schema, $"contribution{suffix}");
        var partitionId = $"(SELECT id FROM {partition} WHERE {StoreStatements.OfPartition})";
        Home = home;
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
        var rows = WriteRows(state, contribution);
        (WriteFirst, WriteNext, WriteFurther) =
            (InsertCheckpoint(partition, home) + rows, UpdateCheckpoint(partition, home) + rows, Further + rows);
    }

    /// <summary>Which tables the statements name.</summary>
    public int Home { get; }

    public string SelectStates { get; }

    public string SelectRange { get; }

    public string ScanContributions { get; }

    public string SelectContributions { get; }

    /// <summary>Writes a partition's first checkpoint.</summary>
    public string WriteFirst { get; }

    /// <summary>Writes a checkpoint that follows another.</summary>
    public string WriteNext { get; }

    /// <summary>Writes further rows of a checkpoint that was cut into several statements.</summary>
    public string WriteFurther { get; }

    private static string InsertCheckpoint(string partition, int home) => string.Create(CultureInfo.InvariantCulture, $"""
        WITH moved AS (
            INSERT INTO {partition} (dataset, version, number, position, states, marks, checkpoint, home, unnumbered)
            VALUES ($13, $14, $15, $16, $17, $18, $19, {home}, false)
            ON CONFLICT DO NOTHING RETURNING id)
        """);

    // The home is part of the condition: these statements write to no other.
    private static string UpdateCheckpoint(string partition, int home) => string.Create(CultureInfo.InvariantCulture, $"""
        WITH moved AS (
            UPDATE {partition} SET position = $16, states = $17, marks = $18, checkpoint = $19, unnumbered = false
            WHERE dataset = $13 AND version = $14 AND number = $15 AND checkpoint = $19 - 1 AND home = {home}
            RETURNING id)
        """);

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
