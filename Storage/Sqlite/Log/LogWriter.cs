using System.Runtime.InteropServices;
using ActorStreams.Log;
using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Storage.Sqlite.Log;

/// <summary>Writes appends and new topics. The appends of one commit to one partition share its rows, also of different callers.</summary>
internal sealed class LogWriter(
    SqliteFile file, SqliteSession session, SqliteChangeLogOptions options, Action<LogTopic> created, Action<LogTopic> deleted)
    : SqliteWriter<LogWork>(file, session, options.MaxCommitRecords, options.MaxCommitBytes)
{
    private const string InsertRow =
        "INSERT INTO batch (partition_id, base_offset, next_offset, max_timestamp, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";

    private const string InsertEpoch = "INSERT INTO epoch (partition_id, base_offset, epoch) VALUES (?1, ?2, ?3)";

    /// <summary>Another one each time that the file is open.</summary>
    private readonly int _epoch = Random.Shared.Next(1, int.MaxValue);

    private readonly LogRowBuilder _row = new(SqliteChangeLogOptions.MaxRowBytes);
    private readonly List<PendingAppend> _pending = [];
    private readonly List<LogTopic> _created = [];
    private readonly List<LogTopic> _deleted = [];

    /// <summary>A partition's number is not used again, so that a reader of a deleted topic finds nothing of a later one.</summary>
    private long _lastPartition = SqliteSession.Number(session.Prepare("SELECT max(id) FROM partition")) ?? 0;

    /// <summary>Gives the record its offset. It is packed in <see cref="Finish"/>, together with all others of its partition.</summary>
    public void Append(LogPartition partition, in NewRecord record, out long offset)
    {
        var pending = partition.Pending ??= Begin(partition);
        offset = pending.End++;
        pending.Records.Add(record);
    }

    public void Create(string topic, int partitions)
    {
        var found = SqliteSession.Number(Session.Prepare("SELECT partitions FROM topic WHERE name = ?1").BindText(1, topic));
        if (found is { } existing && existing != partitions)
            throw new TopicMismatchException(topic, (int)existing, partitions);
        if (found is null)
            _created.Add(Insert(topic, partitions));
    }

    /// <summary>Deletes a topic. What the open transaction appends to it goes with it.</summary>
    public void Delete(LogTopic topic)
    {
        foreach (var partition in topic.Partitions)
        {
            Session.Prepare("DELETE FROM batch WHERE partition_id = ?1").Bind(1, partition.Id).Run();
            Session.Prepare("DELETE FROM epoch WHERE partition_id = ?1").Bind(1, partition.Id).Run();
            Session.Prepare("DELETE FROM partition WHERE id = ?1").Bind(1, partition.Id).Run();
            _pending.RemoveAll(pending => pending.Partition == partition);
            partition.Pending = null;
        }

        Session.Prepare("DELETE FROM topic WHERE name = ?1").BindText(1, topic.Name).Run();
        _deleted.Add(topic);
    }

    /// <exception cref="UnknownTopicException">The topic was deleted since the caller found it.</exception>
    public void Require(LogTopic topic)
    {
        if (topic.IsDeleted || _deleted.Contains(topic))
            throw UnknownTopicException.Topic(topic.Name);
    }

    protected override void Apply(LogWork work)
    {
        try
        {
            work.Apply(this);
        }
        catch (Exception refusal) when (refusal is TopicMismatchException or UnknownTopicException)
        {
            work.Fail(refusal);
        }
    }

    protected override void Finish()
    {
        foreach (var pending in _pending)
            Pack(pending);
    }

    protected override void Publish()
    {
        _created.ForEach(created);
        _deleted.ForEach(deleted);
        foreach (var pending in _pending)
            pending.Partition.Publish(pending);
        Abandon();
    }

    protected override void Abandon()
    {
        foreach (var pending in _pending)
            pending.Partition.Pending = null;
        _pending.Clear();
        _created.Clear();
        _deleted.Clear();
    }

    private PendingAppend Begin(LogPartition partition)
    {
        var pending = new PendingAppend(partition);
        _pending.Add(pending);
        return pending;
    }

    private void Pack(PendingAppend pending)
    {
        if (pending.Partition.LatestEpoch != _epoch)
        {
            pending.Epoch = _epoch;
            Session.Prepare(InsertEpoch).Bind(1, pending.Partition.Id).Bind(2, pending.Partition.End).Bind(3, _epoch).Run();
        }

        _row.Start(pending.Partition.End);
        foreach (ref readonly var record in CollectionsMarshal.AsSpan(pending.Records))
        {
            if (!_row.TryAdd(record))
            {
                Write(pending);
                _row.Start(pending.Rows[^1].Next);
                _row.TryAdd(record);
            }

            // After the row before is written: its running maximum ends with its own last record.
            pending.Latest = Math.Max(pending.Latest, record.Timestamp);
        }

        Write(pending);
    }

    private void Write(PendingAppend pending)
    {
        var row = _row.Seal();
        Session.Prepare(InsertRow).Bind(1, pending.Partition.Id).Bind(2, row.Base).Bind(3, row.Next).Bind(4, pending.Latest)
            .Bind(5, row.Bytes).Run();
        pending.Rows.Add(row);
    }

    private LogTopic Insert(string name, int partitions)
    {
        var id = Guid.NewGuid().ToString("N");
        Session.Prepare("INSERT INTO topic (name, partitions, uid) VALUES (?1, ?2, ?3)")
            .BindText(1, name).Bind(2, partitions).BindText(3, id).Run();
        var topic = SqliteSession.Number(Session.Prepare("SELECT last_insert_rowid()"))!.Value;
        var made = new LogPartition[partitions];
        for (var number = 0; number < partitions; number++)
        {
            Session.Prepare("INSERT INTO partition (id, topic_id, number) VALUES (?1, ?2, ?3)")
                .Bind(1, ++_lastPartition).Bind(2, topic).Bind(3, number).Run();
            made[number] = new(_lastPartition, id, new(name, number), 0, long.MinValue);
        }

        return new(name, id, made);
    }
}

/// <summary>A request to the log's writer.</summary>
internal abstract class LogWork : WriteWork<IReadOnlyList<Position>>
{
    public abstract void Apply(LogWriter writer);
}

/// <summary>Records to append; the answer is their positions.</summary>
internal sealed class AppendWork(LogTopic topic, IReadOnlyList<NewRecord> records, long bytes) : LogWork
{
    public override int Rows => records.Count;

    public override long Bytes => bytes;

    public override void Apply(LogWriter writer)
    {
        writer.Require(topic);
        var positions = new Position[records.Count];
        for (var i = 0; i < positions.Length; i++)
        {
            var record = records[i];
            writer.Append(topic.Partitions[record.Partition], record, out var offset);
            positions[i] = new(topic.Name, record.Partition, offset);
        }

        Answer = positions;
    }
}

/// <summary>A topic to create, or to find.</summary>
internal sealed class CreateTopicWork(string topic, int partitions) : LogWork
{
    public override int Rows => partitions;

    public override long Bytes => 0;

    public override void Apply(LogWriter writer)
    {
        writer.Create(topic, partitions);
        Answer = [];
    }
}

/// <summary>A topic to delete.</summary>
internal sealed class DeleteTopicWork(LogTopic topic) : LogWork
{
    public override int Rows => topic.Partitions.Length;

    public override long Bytes => 0;

    public override void Apply(LogWriter writer)
    {
        writer.Delete(topic);
        Answer = [];
    }
}
