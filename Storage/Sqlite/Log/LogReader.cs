using ActorStreams.Log;
using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Storage.Sqlite.Log;

/// <summary>Reads one partition, for one reader: newest rows from memory, older ones from the file.</summary>
internal sealed class LogReader(LogPartition partition, SqliteFile file, long fromOffset, ReadLimits limits)
{
    private const string SelectRows = """
        SELECT base_offset, next_offset, bytes FROM batch WHERE partition_id = ?1 AND base_offset >= ifnull(
            (SELECT base_offset FROM batch WHERE partition_id = ?1 AND base_offset <= ?2 ORDER BY base_offset DESC LIMIT 1), 0)
        ORDER BY base_offset
        """;

    private const string SelectPartition = "SELECT 1 FROM partition WHERE id = ?1";

    private readonly RowsInHand _rows = new(limits);
    private long _given = fromOffset;
    private long _fetched = fromOffset;

    /// <summary>The next batch; waits where there is none yet.</summary>
    public async ValueTask<RecordBatch> NextAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await partition.Signal.WaitBeyondAsync(_given, cancellationToken).ConfigureAwait(false);
        var end = partition.End;
        while (_rows.WantsMore && _fetched < end)
            await FetchAsync(cancellationToken).ConfigureAwait(false);
        var (epoch, epochEnd) = partition.EpochAt(_given);
        var records = _rows.Take(_given, epochEnd);
        _given += records.Length;
        return new()
        {
            Partition = partition.Name,
            Records = records,
            NextOffset = _given,
            EndOffset = end,
            Log = new(partition.TopicId, epoch),
        };
    }

    /// <summary>
    /// The rows of a partition from the one that holds an offset on, handed to <paramref name="take"/> until it has enough.
    /// </summary>
    public static void ReadRows(SqliteSession session, SqliteFile file, LogPartition partition, long offset, Func<LogRow, bool> take)
    {
        var statement = session.Prepare(SelectRows).Bind(1, partition.Id).Bind(2, offset);
        try
        {
            while (statement.Step())
            {
                var row = new LogRow(statement.Long(0), statement.Long(1), statement.Bytes(2).ToArray());
                if (row.Base > offset || row.Next <= offset || !row.IsWhole)
                    throw Damaged(file, partition, offset, row);
                offset = row.Next;
                if (!take(row))
                    return;
            }
        }
        finally
        {
            statement.Reset();
        }
    }

    private static DamagedFileException Damaged(SqliteFile file, LogPartition partition, long offset, LogRow row) => new(
        $"The change log '{file.Spec.Path}' is damaged: {partition.Name} should go on at offset {offset}, but the row found says "
        + $"{row.Base} to {row.Next} "
        + $"and its checksum is {(row.IsWhole ? "right" : "wrong")}. Stop the program and restore the file from a backup.");

    private async ValueTask FetchAsync(CancellationToken cancellationToken)
    {
        if (partition.Tail.TryRead(_fetched, Add))
            return;
        var before = _fetched;
        await file.ReadAsync(
            this, static (session, reader) =>
            {
                reader.ReadFile(session);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        if (_fetched == before)
            throw Damaged(file, partition, before, default);
    }

    private void ReadFile(SqliteSession session)
    {
        ReadRows(session, file, partition, _fetched, Add);

        // A topic that was just deleted has no rows any more, and its readers may not know yet.
        if (_rows.WantsMore && SqliteSession.Number(session.Prepare(SelectPartition).Bind(1, partition.Id)) is null)
            throw UnknownTopicException.Topic(partition.Name.Topic);
    }

    private bool Add(LogRow row)
    {
        _rows.Add(row);
        _fetched = row.Next;
        return _rows.WantsMore;
    }
}
