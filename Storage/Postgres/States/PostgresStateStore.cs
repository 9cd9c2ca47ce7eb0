using System.Text;
using ActorStreams.States;
using ActorStreams.Storage.Postgres.Schema;
using Npgsql;
using NpgsqlTypes;

namespace ActorStreams.Storage.Postgres.States;

// Schema/Scripts/0001-states.sql and 0004-builds.sql describe the tables. Keys and states are bytea: text cannot contain U+0000, and jsonb
// would return a state in other bytes, while two states are equal only if their stored bytes are.
//
// A read is one statement, so it sees one checkpoint as a whole. A checkpoint is one statement as well, and therefore its own transaction
// and one round trip, unless it is large (see PostgresCheckpoint).
//
// Every commit waits for the disk (synchronous_commit). Without that wait, a crash of PostgreSQL would undo the last commits. Checkpoints
// alone could stand that: an owner whose checkpoint is no longer the stored one is refused and restarts at the older one, and what it
// appends again is at or below the marks of its views, unless these have lost their checkpoints as well. The catalog of builds could not:
// readers would go back behind a cutover. And a source topic may by then have deleted, by its retention, the records behind an
// acknowledged checkpoint. The flush is a small part of a checkpoint's cost, so all commits wait, and CheckAsync
// refuses a server that does not wait.
//
// A command whose connection is lost may have been committed, and may still be committed later by a server process that has not
// noticed the loss. The caller receives StoreUnavailableException and restarts at the stored checkpoint. If that is the old one and
// the new one is committed afterwards, it acts as another owner's: the condition on the number refuses the caller's next checkpoint,
// and a caller that reads through the store verifies afterwards that the checkpoint is still its own. In both cases the checkpoint is
// stored as a whole or not at all.

/// <summary>The state store in PostgreSQL, for any number of silos. The schema must exist: see <see cref="PostgresSchema"/>.</summary>
public sealed partial class PostgresStateStore : IStateStore, IAsyncDisposable
{
    // Follows every key: UTF-8 never contains 0xFF.
    private static readonly byte[] AfterAllKeys = [0xFF];

    // What one statement deletes of a dropped build whose rows are among those of others: it holds back nobody for long.
    private const int RemainsAtOnce = 10_000;

    private readonly NpgsqlDataSource _source;
    private readonly string _place;
    private readonly StoreStatements _sql;
    private readonly KeyStatements _keys;
    private readonly BuildHomes _homes;
    private readonly PostgresCheckpoint _checkpoints;

    private PostgresStateStore(PostgresOptions options)
    {
        (_sql, _keys) = (new(options.Schema), new(Identifier.Of(options.Schema, "append_key")));
        (_source, _place) = (PostgresConnections.States(options), PostgresConnections.Place(options));
        _homes = new(_source, _sql, options.Schema);
        _checkpoints = new(_source, _homes, options);
    }

    /// <summary>Makes the store; connections are opened when they are needed.</summary>
    /// <exception cref="ArgumentException">Options are wrong; the message names all that are.</exception>
    public static PostgresStateStore Open(PostgresOptions options)
    {
        options.Validate();
        return new(options);
    }

    /// <inheritdoc/>
    public ValueTask<Checkpoint?> ReadCheckpointAsync(PartitionId partition, CancellationToken cancellationToken = default) => RunAsync(
        async ct =>
        {
            var found = await QueryAsync(
                _sql.SelectCheckpoint, PostgresValue.Partition(partition),
                static row => (
                    Checkpoint: new Checkpoint(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetFieldValue<byte[]>(3)),
                    Home: row.GetInt32(4)),
                ct).ConfigureAwait(false);
            if (found.Count == 0)
            {
                _homes.Forget(partition);
                return null;
            }

            _homes.Remember(partition, found[0].Home);
            return found[0].Checkpoint;
        },
        cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> WriteCheckpointAsync(CheckpointWrite write, CancellationToken cancellationToken = default) =>
        RunAsync(ct => _checkpoints.WriteAsync(write, ct), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredState>> LoadAsync(
        PartitionId partition, IReadOnlyCollection<string> keys, CancellationToken cancellationToken = default) =>
        ReadAsync(
            static sql => sql.SelectStates, partition, () => [PostgresValue.Array(PostgresValue.Keys(keys))], State, cancellationToken);

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
            static sql => sql.SelectRange, partition,
            () => [PostgresValue.Of(from), PostgresValue.Of(AfterPrefix(prefix)), PostgresValue.Of((long)limit)], State, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<IReadOnlyList<StoredContribution>>> ScanContributionsAsync(
        PartitionId partition, IReadOnlyList<ContributionScan> scans, CancellationToken cancellationToken = default)
    {
        var rows = await ReadAsync(
            static sql => sql.ScanContributions, partition,
            () =>
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
            static sql => sql.SelectContributions, partition, () => PostgresValue.Ids(ids),
            static row => new StoredContribution(
                new(Text(row, 0), row.GetInt32(1), row.GetFieldValue<byte[]>(2)), row.GetFieldValue<byte[]>(3)), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StoredCatalog> ReadCatalogAsync(CancellationToken cancellationToken = default) => RunAsync(
        async ct => (await QueryAsync(_sql.SelectCatalog, [], static row => new StoredCatalog(row.GetInt64(0), Text(row, 1)), ct)
            .ConfigureAwait(false))[0],
        cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> WriteCatalogAsync(StoredCatalog catalog, CancellationToken cancellationToken = default) => RunAsync(
        async ct =>
        {
            using var command = _source.CreateCommand(_sql.UpdateCatalog);
            command.Parameters.Add(PostgresValue.Of(catalog.Number));
            command.Parameters.Add(PostgresValue.Of(PostgresValue.Key(catalog.Text)));
            return await command.ExecuteNonQueryAsync(ct).ConfigureAwait(false) == 1;
        },
        cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, string>> ReadDatasetsAsync(CancellationToken cancellationToken = default) =>
        RunAsync<IReadOnlyDictionary<string, string>>(
            async ct => (await QueryAsync(_sql.SelectDatasets, [], static row => (Name: Text(row, 0), Description: Text(row, 1)), ct)
                .ConfigureAwait(false)).ToDictionary(row => row.Name, row => row.Description),
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DropAsync(string dataset, int build, CancellationToken cancellationToken = default)
    {
        await CallAsync(_sql.DropBuild, PostgresValue.Build(dataset, build), cancellationToken).ConfigureAwait(false);
        while (await CallAsync(_sql.DropRemains, [PostgresValue.Of(RemainsAtOnce)], cancellationToken).ConfigureAwait(false) is true)
        {
        }
    }

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

    /// <summary>Reads rows of a partition where they are; nothing when it has no checkpoint.</summary>
    private ValueTask<IReadOnlyList<T>> ReadAsync<T>(
        Func<StateStatements, string> statement, PartitionId partition, Func<NpgsqlParameter[]> parameters, Func<NpgsqlDataReader, T> row,
        CancellationToken cancellationToken) => RunAsync<IReadOnlyList<T>>(
        async ct => await _homes.RunAsync(
            partition, isFirst: false,
            sql => QueryAsync(statement(sql), [.. PostgresValue.Partition(partition), .. parameters()], row, ct), none: [], ct)
            .ConfigureAwait(false),
        cancellationToken);

    private async Task<List<T>> QueryAsync<T>(
        string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken)
    {
        using var command = _source.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        var rows = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var closing = rows.ConfigureAwait(false);
        var found = new List<T>();
        while (await rows.ReadAsync(cancellationToken).ConfigureAwait(false))
            found.Add(row(rows));
        return found;
    }

    private ValueTask<object?> CallAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken) => RunAsync(
        async ct =>
        {
            using var command = _source.CreateCommand(sql);
            command.Parameters.AddRange(parameters);
            return await command.ExecuteScalarAsync(ct).ConfigureAwait(false);
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
