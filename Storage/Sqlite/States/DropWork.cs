using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Storage.Sqlite.States;

/// <summary>Takes the partitions of a build away; what is left of their rows is nobody's.</summary>
internal sealed class DropWork(string dataset, int build) : StateWork
{
    public override int Rows => 1;

    public override long Bytes => 0;

    public override void Apply(SqliteSession session)
    {
        session.Prepare("INSERT INTO remains SELECT id FROM partition WHERE dataset = ?1 AND build = ?2")
            .BindText(1, dataset).Bind(2, build).Run();
        session.Prepare("DELETE FROM partition WHERE dataset = ?1 AND build = ?2").BindText(1, dataset).Bind(2, build).Run();
        Answer = true;
    }
}

/// <summary>
/// Deletes some rows that are nobody's; the answer is whether there may be more. A checkpoint that is queued meanwhile waits for one of
/// these at most.
/// </summary>
internal sealed class RemainsWork : StateWork
{
    private const int RowsAtOnce = 1_000;

    private const string DeleteStates =
        "DELETE FROM state WHERE partition_id = ?1 AND key IN (SELECT key FROM state WHERE partition_id = ?1 ORDER BY key LIMIT ?2)";

    private const string DeleteContributions = """
        DELETE FROM contribution WHERE partition_id = ?1 AND (key, slot, element) IN (
            SELECT key, slot, element FROM contribution WHERE partition_id = ?1 ORDER BY key, slot, element LIMIT ?2)
        """;

    public override int Rows => RowsAtOnce;

    public override long Bytes => 0;

    public override void Apply(SqliteSession session)
    {
        var partition = SqliteSession.Number(session.Prepare("SELECT partition_id FROM remains LIMIT 1"));
        Answer = partition is not null;
        if (partition is not { } id || Delete(session, DeleteStates, id) || Delete(session, DeleteContributions, id))
            return;
        session.Prepare("DELETE FROM remains WHERE partition_id = ?1").Bind(1, id).Run();
    }

    private static bool Delete(SqliteSession session, string sql, long partition)
    {
        session.Prepare(sql).Bind(1, partition).Bind(2, RowsAtOnce).Run();
        return session.Changed() > 0;
    }
}
