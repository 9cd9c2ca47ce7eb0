using ActorStreams.States;
using ActorStreams.Storage.Sqlite.Files;

namespace ActorStreams.Storage.Sqlite.States;

// The file, format 2 (PRAGMA user_version):
//
//   partition(id, dataset, build, number, checkpoint, position, states, header)   one row a partition that has a checkpoint
//   state(partition_id, key, value, offset, timestamp)                            one row a key
//   contribution(partition_id, key, slot, element, value)                         what views keep beside a state
//   catalog(number, text)                                                         one row: the catalog of builds
//   dataset(name, description)                                                    what versions without builds recorded of each dataset
//   remains(partition_id)                                                         partitions that were dropped, whose rows are still there
//
// Format 1 had neither catalog nor remains, and a partition's version, which is its build now, and marks, which are its header.
//
// A build is dropped by the rows of its partitions, and nobody finds its states any more: the id of a partition is never given again
// (AUTOINCREMENT). Its states are then deleted in steps, between the checkpoints of others. A table for each build would be dropped by one
// statement, but that holds back the writer for as long as the table has pages.
//
// Keys are blobs of UTF-8, not text: SQLite compares blobs byte by byte, which is KeyOrder, and a NUL ends no blob.
//
// WAL, synchronous=NORMAL: after a power cut the last checkpoints may be gone, but what is there is whole and in order. That is
// enough, since the log is FULL: an owner then finds an older position and folds again from there. Only time is lost.

/// <summary>
/// The state store in one SQLite file, for one process at a time (see <see cref="DataDirectory"/>).
/// </summary>
public sealed class SqliteStateStore : IStateStore, IAsyncDisposable
{
    internal const string SelectPartition =
        "SELECT id, checkpoint, position, states, header FROM partition WHERE dataset = ?1 AND build = ?2 AND number = ?3";

    private const int Format = 2;

    private const string Builds = """
        CREATE TABLE partition (
            id INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT NOT NULL, build INTEGER NOT NULL, number INTEGER NOT NULL,
            checkpoint INTEGER NOT NULL, position INTEGER NOT NULL, states INTEGER NOT NULL, header BLOB NOT NULL,
            UNIQUE (dataset, build, number));
        CREATE TABLE catalog (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, text BLOB NOT NULL);
        INSERT INTO catalog (id, number, text) VALUES (1, 0, x'');
        CREATE TABLE remains (partition_id INTEGER PRIMARY KEY);
        """;

    private const string Schema = Builds + """
        CREATE TABLE state (
            partition_id INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, "offset" INTEGER NOT NULL, timestamp INTEGER NOT NULL,
            PRIMARY KEY (partition_id, key)) WITHOUT ROWID;
        CREATE TABLE contribution (
            partition_id INTEGER NOT NULL, key BLOB NOT NULL, slot INTEGER NOT NULL, element BLOB NOT NULL, value BLOB NOT NULL,
            PRIMARY KEY (partition_id, key, slot, element)) WITHOUT ROWID;
        CREATE TABLE dataset (name BLOB PRIMARY KEY, description BLOB NOT NULL) WITHOUT ROWID;
        """;

    // The checkpoint that is there is the first one that is counted. States stay where they are.
    private const string FromFormat1 = "ALTER TABLE partition RENAME TO partition_of_format_1;" + Builds + """
        INSERT INTO partition (id, dataset, build, number, checkpoint, position, states, header)
            SELECT id, dataset, version, number, 1, position, states, marks FROM partition_of_format_1;
        DROP TABLE partition_of_format_1;
        """;

    private readonly SqliteFile _file;
    private readonly StateWriter _writer;

    /// <summary>For tests in which the disk fails.</summary>
    internal StateWriter Writer => _writer;

    private SqliteStateStore(SqliteStateStoreOptions options)
    {
        _file = new(new()
        {
            Owner = typeof(SqliteStateStore),
            Path = options.Path,
            Kind = "state store",
            Format = Format,
            Schema = Schema,
            Upgrades = [FromFormat1],
            Synchronous = "NORMAL",
            PageBytes = 4 << 10,
            Readers = options.Readers,
            CacheKibibytes = options.CacheKibibytes,
            LockWaitMilliseconds = options.LockWaitMilliseconds,
            Unavailable = (message, error) => new StoreUnavailableException(message, error),
        });
        _writer = new(_file, _file.OpenWriter(), options);
        _writer.Start();
    }

    /// <summary>Opens the store, creating its file where there is none.</summary>
    /// <exception cref="ArgumentException">Options are out of range.</exception>
    /// <exception cref="NewerFormatException">A newer program wrote the file.</exception>
    /// <exception cref="DamagedFileException">The file is no state store, or damaged.</exception>
    /// <exception cref="StoreUnavailableException">The file cannot be opened now.</exception>
    public static SqliteStateStore Open(SqliteStateStoreOptions options)
    {
        options.Validate();
        return new(options);
    }

    /// <inheritdoc/>
    public ValueTask<Checkpoint?> ReadCheckpointAsync(PartitionId partition, CancellationToken cancellationToken = default) =>
        _file.ReadAsync(partition, StateReads.Checkpoint, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> WriteCheckpointAsync(CheckpointWrite write, CancellationToken cancellationToken = default) =>
        WriteAsync(new CheckpointWork(write), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredState>> LoadAsync(
        PartitionId partition, IReadOnlyCollection<string> keys, CancellationToken cancellationToken = default) =>
        _file.ReadAsync((partition, keys), StateReads.Load, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredState>> ScanAsync(
        PartitionId partition, string prefix, string? after, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        return _file.ReadAsync((partition, prefix, after, limit), StateReads.Scan, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<IReadOnlyList<StoredContribution>>> ScanContributionsAsync(
        PartitionId partition, IReadOnlyList<ContributionScan> scans, CancellationToken cancellationToken = default) =>
        _file.ReadAsync((partition, scans), StateReads.ScanContributions, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredContribution>> LoadContributionsAsync(
        PartitionId partition, IReadOnlyCollection<ContributionId> ids, CancellationToken cancellationToken = default) =>
        _file.ReadAsync((partition, ids), StateReads.LoadContributions, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StoredCatalog> ReadCatalogAsync(CancellationToken cancellationToken = default) =>
        _file.ReadAsync(0, StateReads.Catalog, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> WriteCatalogAsync(StoredCatalog catalog, CancellationToken cancellationToken = default) =>
        WriteAsync(new CatalogWork(catalog), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, string>> ReadDatasetsAsync(CancellationToken cancellationToken = default) =>
        _file.ReadAsync(0, StateReads.Datasets, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DropAsync(string dataset, int build, CancellationToken cancellationToken = default)
    {
        await WriteAsync(new DropWork(dataset, build), cancellationToken).ConfigureAwait(false);
        while (await WriteAsync(new RemainsWork(), cancellationToken).ConfigureAwait(false))
        {
        }
    }

    /// <summary>Writes what is queued, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        // Readers first: only a writer that closes last folds the write-ahead log into the file.
        _file.Dispose();
        await _writer.DisposeAsync().ConfigureAwait(false);
    }

    private ValueTask<bool> WriteAsync(StateWork work, CancellationToken cancellationToken)
    {
        _writer.Enqueue(work, cancellationToken);
        return new(work.Task);
    }
}
