using ActorStreams.States;
using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Storage.Sqlite.States;

/// <summary>One checkpoint to write; the answer is whether its condition held.</summary>
internal sealed class CheckpointWork(CheckpointWrite write) : StateWork
{
    private const string InsertPartition =
        "INSERT INTO partition (checkpoint, position, states, header, dataset, build, number) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

    private const string UpdatePartition = "UPDATE partition SET checkpoint = ?1, position = ?2, states = ?3, header = ?4 WHERE id = ?5";

    private const string UpsertState = """
        INSERT INTO state (partition_id, key, value, "offset", timestamp) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET value = excluded.value, "offset" = excluded."offset", timestamp = excluded.timestamp
        """;

    private const string UpsertContribution = """
        INSERT INTO contribution (partition_id, key, slot, element, value) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET value = excluded.value
        """;

    private const string DeleteState = "DELETE FROM state WHERE partition_id = ?1 AND key = ?2";

    private const string DeleteContribution =
        "DELETE FROM contribution WHERE partition_id = ?1 AND key = ?2 AND slot = ?3 AND element = ?4";

    public override int Rows { get; } =
        1 + write.Upserts.Count + write.Deletes.Count + write.ContributionUpserts.Count + write.ContributionDeletes.Count;

    public override long Bytes { get; } = write.Checkpoint.Header.Length
        + write.Upserts.Sum(s => (long)s.Key.Length + s.State.Length)
        + write.ContributionUpserts.Sum(c => (long)c.Id.Key.Length + c.Id.Element.Length + c.Value.Length);

    public override void Apply(SqliteSession session)
    {
        Answer = false;
        if (MovePartition(session) is not { } partition)
            return;
        WriteStates(session, partition);
        WriteContributions(session, partition);
        Answer = true;
    }

    /// <summary>Moves the partition to its new checkpoint and answers its id in the file; null when another owner has moved it.</summary>
    private long? MovePartition(SqliteSession session)
    {
        var found = session.Prepare(SqliteStateStore.SelectPartition).BindPartition(1, write.Partition);
        var (id, checkpoint) = found.Step() ? ((long?)found.Long(0), found.Long(1)) : (null, 0L);
        found.Reset();
        if (checkpoint != write.Checkpoint.Number - 1)
            return null;
        var move = session.Prepare(id is null ? InsertPartition : UpdatePartition)
            .Bind(1, write.Checkpoint.Number).Bind(2, write.Checkpoint.Position).Bind(3, write.Checkpoint.States)
            .Bind(4, write.Checkpoint.Header.Span);
        (id is null ? move.BindPartition(5, write.Partition) : move.Bind(5, id.Value)).Run();
        return id ?? SqliteSession.Number(session.Prepare("SELECT last_insert_rowid()"));
    }

    private void WriteStates(SqliteSession session, long partition)
    {
        var upsert = session.Prepare(UpsertState).Bind(1, partition);
        foreach (var state in write.Upserts)
            upsert.BindUtf8(2, state.Key).Bind(3, state.State.Span).Bind(4, state.Offset).Bind(5, state.Timestamp).Run();
        var delete = session.Prepare(DeleteState).Bind(1, partition);
        foreach (var key in write.Deletes)
            delete.BindUtf8(2, key).Run();
    }

    private void WriteContributions(SqliteSession session, long partition)
    {
        var upsert = session.Prepare(UpsertContribution).Bind(1, partition);
        foreach (var (id, value) in write.ContributionUpserts)
            upsert.BindContribution(2, id).Bind(5, value.Span).Run();
        var delete = session.Prepare(DeleteContribution).Bind(1, partition);
        foreach (var id in write.ContributionDeletes)
            delete.BindContribution(2, id).Run();
    }
}

/// <summary>How the store's addresses are bound: in consecutive parameters.</summary>
internal static class StateBinding
{
    public static SqliteStatement BindPartition(this SqliteStatement statement, int index, PartitionId partition) =>
        statement.BindText(index, partition.Dataset).Bind(index + 1, partition.Build).Bind(index + 2, partition.Partition);

    public static SqliteStatement BindContribution(this SqliteStatement statement, int index, in ContributionId id) =>
        statement.BindUtf8(index, id.Key).Bind(index + 1, id.Slot).Bind(index + 2, id.Element.Span);
}
