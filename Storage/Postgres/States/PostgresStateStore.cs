using System.Text;
using ActorStreams.States;
using ActorStreams.Storage.Postgres.Schema;
using Npgsql;
using NpgsqlTypes;

namespace ActorStreams.Storage.Postgres.States;

// Schema/Scripts/0001-states.sql describes the tables. Keys and states are bytea: text cannot contain U+0000, and jsonb would return a
// state in other bytes, while two states are equal only if their stored bytes are.
//
// A read is one statement, so it sees one checkpoint as a whole. A checkpoint is one statement as well, and therefore its own transaction
// and one round trip, unless it is large (see PostgresCheckpoint).
//
// Every commit waits for the disk (synchronous_commit). Without that wait, a crash of PostgreSQL would undo the last commits. Checkpoints
// alone could stand that: an owner whose position is no longer the stored one is refused and restarts at the older position, and what it
// appends again is at or below the marks of its views, unless these have lost their checkpoints as well. A clearing could not: silos
// would continue with new definitions on states of the old ones. And a source topic may by then have deleted, by its retention, the
// records behind an acknowledged checkpoint. The flush is a small part of a checkpoint's cost, so all commits wait, and CheckAsync
// refuses a server that does not wait.
//
// A command whose connection is lost may have been committed, and may still be committed later by a server process that has not
// noticed the loss. The caller receives StoreUnavailableException and restarts at the stored checkpoint. If that is the old one and
// the new one is committed afterwards, it acts as another owner's: the condition on the position refuses the caller's next checkpoint,
// and a caller that reads through the store verifies afterwards that the checkpoint is still its own. In both cases the checkpoint is
// stored as a whole or not at all.

/// <summary>The state store in PostgreSQL, for any number of silos. The schema must exist: see <see cref="PostgresSchema"/>.</summary>
public sealed partial class PostgresStateStore : IStateStore, IAsyncDisposable
{
    // Follows every key: UTF-8 never contains 0xFF.
    private static readonly byte[] AfterAllKeys = [0xFF];

    private readonly PostgresOptions _options;
    private readonly NpgsqlDataSource _source;
    private readonly string _place;
    private readonly StateStatements _sql;
    private readonly KeyStatements _keys;

    private PostgresStateStore(PostgresOptions options)
    {
        (_options, _sql, _keys) = (options, new(options.Schema), new(Identifier.Of(options.Schema, "append_key")));
        (_source, _place) = (PostgresConnections.States(options), PostgresConnections.Place(options));
    }

    /// <summary>Makes the store; connections are opened when they are needed.</summary>
    /// <exception cref="ArgumentException">Options are wrong; the message names all that are.</exception>
    public static PostgresStateStore Open(PostgresOptions options)
    {
        options.Validate();
        return new(options);
    }

    /// <inheritdoc/>
    public async ValueTask<Checkpoint?> ReadCheckpointAsync(PartitionId partition, CancellationToken cancellationToken = default)
    {
        var found = await ReadAsync(
            _sql.SelectCheckpoint, partition, [],
            static row => new Checkpoint(row.GetInt64(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2)),
            cancellationToken).ConfigureAwait(false);
        return found.SingleOrDefault();
    }

    /// <inheritdoc/>
    public ValueTask<bool> WriteCheckpointAsync(CheckpointWrite write, CancellationToken cancellationToken = default) =>
        RunAsync(ct => PostgresCheckpoint.WriteAsync(_source, _sql, _options, write, ct), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredState>> LoadAsync(
        PartitionId partition, IReadOnlyCollection<string> keys, CancellationToken cancellationToken = default) =>
        ReadAsync(_sql.SelectStates, partition, [PostgresValue.Array(PostgresValue.Keys(keys))], State, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredState>> ScanAsync(
        PartitionId partition, string prefix, string? after, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        var from = PostgresValue.Key(prefix);
        // What follows a key immediately is that key and a zero byte.
        if (after is not null && KeyOrder.Instance.Compare(after, prefix) >= 0)
            from = [.. PostgresValue.Key(after), 0];
        return ReadAsync(
            _sql.SelectRange, partition, [PostgresValue.Of(from), PostgresValue.Of(AfterPrefix(prefix)), PostgresValue.Of((long)limit)],
            State, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<IReadOnlyList<StoredContribution>>> ScanContributionsAsync(
        PartitionId partition, IReadOnlyList<ContributionScan> scans, CancellationToken cancellationToken = default)
    {
        var rows = await ReadAsync(
            _sql.ScanContributions, partition,
            [
                PostgresValue.Array(PostgresValue.Keys([.. scans.Select(scan => scan.Key)])),
                PostgresValue.Array([.. scans.Select(scan => scan.Slot)]),
                PostgresValue.Array([.. scans.Select(scan => (long)scan.Limit)]),
            ],
            static row => (Scan: row.GetInt64(0) - 1, Element: row.GetFieldValue<byte[]>(1), Value: row.GetFieldValue<byte[]>(2)),
            cancellationToken).ConfigureAwait(false);
        var found = scans.Select(_ => new List<StoredContribution>()).ToArray();
        foreach (var (number, element, value) in rows)
            found[number].Add(new(new(scans[(int)number].Key, scans[(int)number].Slot, element), value));
        return found;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredContribution>> LoadContributionsAsync(
        PartitionId partition, IReadOnlyCollection<ContributionId> ids, CancellationToken cancellationToken = default) =>
        ReadAsync(
            _sql.SelectContributions, partition, PostgresValue.Ids(ids),
            static row => new StoredContribution(
                new(Text(row, 0), row.GetInt32(1), row.GetFieldValue<byte[]>(2)), row.GetFieldValue<byte[]>(3)), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, string>> ReadDatasetsAsync(CancellationToken cancellationToken = default) =>
        RunAsync<IReadOnlyDictionary<string, string>>(
            async ct =>
            {
                using var command = _source.CreateCommand(_sql.SelectDatasets);
                var rows = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
                await using var closing = rows.ConfigureAwait(false);
                var found = new Dictionary<string, string>();
                while (await rows.ReadAsync(ct).ConfigureAwait(false))
                    found.Add(Text(rows, 0), Text(rows, 1));
                return found;
            },
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask WriteDatasetsAsync(IReadOnlyDictionary<string, string> datasets, CancellationToken cancellationToken = default)
    {
        // Copied first: the caller's may change. Silos that start at once come one after the other, by the lock.
        var copy = datasets.ToArray();
        await TransactAsync(
            [
                new("SELECT pg_advisory_xact_lock($1)") { Parameters = { PostgresValue.Of(AdvisoryLock.Of(_options.Schema, "dataset")) } },
                new(_sql.DeleteDatasets),
                new(_sql.InsertDatasets)
                {
                    Parameters =
                    {
                        PostgresValue.Array(PostgresValue.Keys([.. copy.Select(d => d.Key)])),
                        PostgresValue.Array(PostgresValue.Keys([.. copy.Select(d => d.Value)])),
                    },
                },
            ],
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask ClearAsync(CancellationToken cancellationToken = default) =>
        // Truncated rather than deleted: a rebuild would leave millions of dead rows behind. The two large tables first: that
        // waits for the checkpoints under way and holds back others while it has no lock that they could wait for. Then the
        // positions, which no one can hold.
        await TransactAsync([new(_sql.TruncateStates), new(_sql.DeletePartitions)], cancellationToken).ConfigureAwait(false);

    /// <summary>Closes the connections.</summary>
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>The first bytes after all that begin with this text. The last byte of UTF-8 is never 0xFF, so it can be raised.</summary>
    private static byte[] AfterPrefix(string prefix)
    {
        if (prefix.Length == 0)
            return AfterAllKeys;
        var bytes = PostgresValue.Key(prefix);
        bytes[^1]++;
        return bytes;
    }

    private static string Text(NpgsqlDataReader row, int column) => Encoding.UTF8.GetString(row.GetFieldValue<byte[]>(column));

    private static StoredState State(NpgsqlDataReader row) =>
        new(Text(row, 0), row.GetFieldValue<byte[]>(1), row.GetInt64(2), row.GetInt64(3));

    private ValueTask<IReadOnlyList<T>> ReadAsync<T>(
        string sql, PartitionId partition, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> row,
        CancellationToken cancellationToken) => RunAsync<IReadOnlyList<T>>(
        async ct =>
        {
            using var command = _source.CreateCommand(sql);
            command.Parameters.AddRange(PostgresValue.Partition(partition).Concat(parameters).ToArray());
            var rows = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            await using var closing = rows.ConfigureAwait(false);
            var found = new List<T>();
            while (await rows.ReadAsync(ct).ConfigureAwait(false))
                found.Add(row(rows));
            return found;
        },
        cancellationToken);

    /// <summary>Runs commands in one transaction and one round trip: a batch is its own transaction.</summary>
    private ValueTask<int> TransactAsync(IReadOnlyList<NpgsqlBatchCommand> commands, CancellationToken cancellationToken) => RunAsync(
        async ct =>
        {
            using var batch = _source.CreateBatch();
            foreach (var command in commands)
                batch.BatchCommands.Add(command);
            return await batch.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
        },
        cancellationToken);

    private async ValueTask<T> RunAsync<T>(Func<CancellationToken, Task<T>> run, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await run(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && PostgresFault.IsPassing(error))
        {
            throw PostgresFault.Translate(error, _place);
        }
    }
}
