using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using ActorStreams.Log;
using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Storage.Sqlite.Log;

// The file, format 2 (PRAGMA user_version):
//
//   topic(id, name, partitions, uid)       one row a topic; uid is what it is called in a LogIdentity, and is never used again
//   partition(id, topic_id, number)        one row a partition; id is what batch and epoch name, not used again while the file is open
//   epoch(partition_id, base_offset, epoch)  from that offset on records were written in that epoch: one time that the file was open
//   batch(partition_id, base_offset, next_offset, max_timestamp, bytes)
//
// A row of batch holds several consecutive records, packed as LogRow.cs describes: about 64 KiB of them where they arrive fast
// enough. SQLite's cost of a row is thus shared by hundreds of records, and a reader gets the records as slices of one array. Offsets
// are dense from 0: a row holds the offsets from base_offset up to, but not including, next_offset, where the partition's next row
// begins. max_timestamp is the latest timestamp of all records of the partition up to and including this row. It never falls, so the
// first row whose max_timestamp is later than an instant contains the record at which that instant cuts the partition. A row is
// written once and never changed.
//
// Epochs are random numbers, so that two files that were one (a file and its older backup) differ from where they parted. Records that
// were written in format 1 have none.
//
// WAL, synchronous=FULL: a commit is on the disk before its callers are answered. After a crash the file holds a prefix of what was
// appended, with all that was acknowledged.

/// <summary>
/// The embedded change log: durable, in one SQLite file, for one process at a time (see <see cref="DataDirectory"/>).
/// </summary>
/// <remarks>
/// While the disk flushes one commit, the appends of all callers are queued; then they are committed together. When a commit fails, all
/// appends that are queued at that moment fail with it, so a caller with several appends under way must check them before it appends more.
/// </remarks>
public sealed class SqliteChangeLog : IChangeLog, IAsyncDisposable
{
    private const int Format = 2;

    private const string EpochTable = """
        CREATE TABLE epoch (
            partition_id INTEGER NOT NULL, base_offset INTEGER NOT NULL, epoch INTEGER NOT NULL,
            PRIMARY KEY (partition_id, base_offset)) WITHOUT ROWID;
        """;

    private const string Schema = EpochTable + """
        CREATE TABLE topic (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, uid TEXT NOT NULL);
        CREATE TABLE partition (id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, number INTEGER NOT NULL, UNIQUE (topic_id, number));
        CREATE TABLE batch (
            partition_id INTEGER NOT NULL, base_offset INTEGER NOT NULL, next_offset INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
            bytes BLOB NOT NULL, PRIMARY KEY (partition_id, base_offset)) WITHOUT ROWID;
        CREATE INDEX batch_time ON batch (partition_id, max_timestamp);
        """;

    private const string FromFormat1 = EpochTable + """
        ALTER TABLE topic ADD COLUMN uid TEXT NOT NULL DEFAULT '';
        UPDATE topic SET uid = lower(hex(randomblob(16)));
        """;

    private readonly ConcurrentDictionary<string, LogTopic> _topics = new(StringComparer.Ordinal);
    private readonly SqliteChangeLogOptions _options;
    private readonly SqliteFile _file;
    private readonly LogWriter _writer;

    /// <summary>For tests in which the disk fails.</summary>
    internal LogWriter Writer => _writer;

    private SqliteChangeLog(SqliteChangeLogOptions options)
    {
        _options = options;
        _file = new(new()
        {
            Owner = typeof(SqliteChangeLog),
            Path = options.Path,
            Kind = "change log",
            Format = Format,
            Schema = Schema,
            Upgrades = [FromFormat1],
            Synchronous = "FULL",
            PageBytes = 4 << 10, // larger pages read up to a third faster, but halve the commits a second: each writes whole pages
            Readers = options.Readers,
            CacheKibibytes = 4 << 10,
            LockWaitMilliseconds = options.LockWaitMilliseconds,
            Unavailable = (message, error) => new LogUnavailableException(message, error),
        });
        var session = _file.OpenWriter();
        LoadTopics(session);
        _writer = new(_file, session, options, topic => _topics[topic.Name] = topic, Forget);
        _writer.Start();
    }

    /// <summary>Opens the log, creating its file where there is none.</summary>
    /// <exception cref="ArgumentException">Options are out of range.</exception>
    /// <exception cref="NewerFormatException">A newer program wrote the file.</exception>
    /// <exception cref="DamagedFileException">The file is no change log, or damaged.</exception>
    /// <exception cref="LogUnavailableException">The file cannot be opened now.</exception>
    public static SqliteChangeLog Open(SqliteChangeLogOptions options)
    {
        options.Validate();
        return new(options);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default) =>
        new([.. _topics.Values.Select(Describe).OrderBy(topic => topic.Topic, StringComparer.Ordinal)]);

    /// <inheritdoc/>
    public ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        new(_topics.TryGetValue(topic, out var found) ? Describe(found) : null);

    /// <inheritdoc/>
    public async ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default)
    {
        TopicName.Check(topic);
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        if (_topics.TryGetValue(topic, out var found) && found.Partitions.Length == partitions)
            return; // the usual case at every start: nothing to flush to the disk
        var work = new CreateTopicWork(topic, partitions);
        _writer.Enqueue(work, cancellationToken);
        await work.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<TopicLimits> LimitsAsync(string topic, CancellationToken cancellationToken = default)
    {
        FindTopic(topic);
        return new(new TopicLimits { MaxRecordBytes = _options.MaxRecordBytes });
    }

    /// <inheritdoc/>
    public async ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default)
    {
        if (!_topics.TryGetValue(topic, out var found))
            return;
        var work = new DeleteTopicWork(found);
        _writer.Enqueue(work, cancellationToken);
        await work.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition, long fromOffset, ReadLimits limits, LogIdentity? reached = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var source = Find(partition);
        var end = source.End;
        reached?.Require(partition, fromOffset, source.TopicId, end);
        if (reached?.Epoch is >= 0 and var epoch && fromOffset > 0 && source.EpochAt(fromOffset - 1).Epoch is var found && found != epoch)
            throw LogChangedException.Diverged(partition, fromOffset, epoch, $"of epoch {found}");
        if (fromOffset < 0 || fromOffset > end)
            throw new OffsetOutOfRangeException(partition, fromOffset, new(0, end));
        var reader = new LogReader(source, _file, fromOffset, limits);
        while (true)
            yield return await reader.NextAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A record is larger than <see cref="SqliteChangeLogOptions.MaxRecordBytes"/>.</exception>
    /// <exception cref="ObjectDisposedException">The log has been disposed.</exception>
    public ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default)
    {
        var found = FindTopic(topic);
        var bytes = 0L;
        for (var i = 0; i < records.Count; i++)
            bytes += CheckedSize(found, records[i]);
        if (records.Count == 0)
            return new([]);
        var work = new AppendWork(found, records, bytes);
        _writer.Enqueue(work, cancellationToken);
        return new(work.Task);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default) =>
        new([.. FindTopic(topic).Partitions.Select(partition => new OffsetRange(0, partition.End))]);

    /// <inheritdoc/>
    public long? KnownEnd(TopicPartition partition) =>
        _topics.TryGetValue(partition.Topic, out var topic) && (uint)partition.Partition < (uint)topic.Partitions.Length
            ? topic.Partitions[partition.Partition].End
            : null;

    /// <inheritdoc/>
    public ValueTask<long> OffsetAtAsync(TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default)
    {
        var source = Find(partition);

        // The end first: what is appended in between may be late, and is then neither before the end nor in the latest.
        var end = source.End;
        var milliseconds = instant.ToUnixTimeMilliseconds();
        return source.Latest <= milliseconds
            ? new(end)
            : _file.ReadAsync((source, milliseconds), (session, of) => FirstLater(session, of.source, of.milliseconds), cancellationToken);
    }

    /// <summary>Writes what is queued, then closes the file. Live readers end with <see cref="ObjectDisposedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        // Readers first: only a writer that closes last folds the write-ahead log into the file.
        _file.Dispose();
        await _writer.DisposeAsync().ConfigureAwait(false);
        foreach (var partition in _topics.Values.SelectMany(topic => topic.Partitions))
            partition.Signal.Close(new ObjectDisposedException(nameof(SqliteChangeLog)));
    }

    private static TopicDescription Describe(LogTopic topic) => new(topic.Name, topic.Partitions.Length, topic.Id);

    /// <summary>The topic is deleted: its readers end, and do not go on in a later topic of its name.</summary>
    private void Forget(LogTopic topic)
    {
        topic.IsDeleted = true;
        _topics.TryRemove(new(topic.Name, topic)); // not a later one of its name, made in the same commit
        foreach (var partition in topic.Partitions)
            partition.Signal.Close(UnknownTopicException.Topic(topic.Name));
    }

    private LogTopic FindTopic(string topic) =>
        _topics.TryGetValue(topic, out var found) ? found : throw UnknownTopicException.Topic(topic);

    private LogPartition Find(TopicPartition partition) => Find(FindTopic(partition.Topic), partition.Partition);

    private static LogPartition Find(LogTopic topic, int number) => (uint)number < (uint)topic.Partitions.Length
        ? topic.Partitions[number]
        : throw UnknownTopicException.Partition(new(topic.Name, number), topic.Partitions.Length);

    private int CheckedSize(LogTopic topic, in NewRecord record)
    {
        Find(topic, record.Partition);
        var size = record.Size;
        return size <= _options.MaxRecordBytes
            ? size
            : throw new ArgumentException(
                $"A record for '{topic.Name}' has {size} bytes, but {nameof(SqliteChangeLogOptions.MaxRecordBytes)} is "
                + $"{_options.MaxRecordBytes}. Raise it, or keep large data elsewhere and append its address.");
    }

    private long FirstLater(SqliteSession session, LogPartition partition, long milliseconds)
    {
        const string sql =
            "SELECT base_offset FROM batch WHERE partition_id = ?1 AND max_timestamp > ?2 ORDER BY max_timestamp, base_offset LIMIT 1";
        if (SqliteSession.Number(session.Prepare(sql).Bind(1, partition.Id).Bind(2, milliseconds)) is not { } from)
            return partition.End;
        var later = from;
        LogReader.ReadRows(session, _file, partition, from, row =>
        {
            var cursor = new LogRowCursor(row);
            while (cursor.Left > 0 && cursor.Next() is var record && record.Timestamp <= milliseconds)
                later = record.Offset + 1;
            return false;
        });
        return later;
    }

    private void LoadTopics(SqliteSession session)
    {
        const string sql = """
            SELECT t.name, t.partitions, p.number, p.id, b.next_offset, b.max_timestamp, t.uid
            FROM topic t JOIN partition p ON p.topic_id = t.id
            LEFT JOIN batch b ON b.partition_id = p.id AND b.base_offset = (SELECT max(base_offset) FROM batch WHERE partition_id = p.id)
            """;
        var statement = session.Prepare(sql);
        while (statement.Step())
        {
            var (name, number, end) = (statement.Text(0), (int)statement.Long(2), statement.Long(4));
            var topic = _topics.GetOrAdd(name, new LogTopic(name, statement.Text(6), new LogPartition[statement.Long(1)]));
            topic.Partitions[number] = new(
                statement.Long(3), topic.Id, new(name, number), end, end == 0 ? long.MinValue : statement.Long(5));
        }

        LoadEpochs(session);
    }

    private void LoadEpochs(SqliteSession session)
    {
        var partitions = _topics.Values.SelectMany(topic => topic.Partitions).ToDictionary(partition => partition.Id);
        var statement = session.Prepare("SELECT partition_id, base_offset, epoch FROM epoch ORDER BY partition_id, base_offset");
        while (statement.Step())
            partitions[statement.Long(0)].BeginEpoch(statement.Long(1), (int)statement.Long(2));
    }
}
