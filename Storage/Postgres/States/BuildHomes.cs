using System.Collections.Concurrent;
using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres.States;

// The rows of a partition lie in one home for as long as it has a checkpoint: in the tables of its build, or in those that the builds of
// old share. So the home is read once, and remembered. What is remembered is wrong when the build was dropped meanwhile, and that shows:
// its tables are missing (UndefinedTable); or, of a shared home, no partition is found there, so nothing is read and no condition holds.
// An owner verifies its checkpoint after each read (semantics §5), and reading a checkpoint reads the home anew.
//
// A statement holds its locks on the tables before it sees any row, and a drop locks them first. So a checkpoint of a dropped build either
// comes before the drop, which deletes it, or finds no table.

/// <summary>Knows for each partition which tables its rows are in.</summary>
internal sealed class BuildHomes(NpgsqlDataSource source, StoreStatements sql, string schema)
{
    private readonly ConcurrentDictionary<PartitionId, int> _homes = new();
    private readonly ConcurrentDictionary<int, StateStatements> _statements = new();

    /// <summary>Whether a statement failed since its home is no longer there.</summary>
    public static bool IsMissing(PostgresException error) => error.SqlState == PostgresErrorCodes.UndefinedTable;

    /// <summary>The statements for a partition's rows; null when it has no checkpoint.</summary>
    public async ValueTask<StateStatements?> OfAsync(PartitionId partition, CancellationToken cancellationToken)
    {
        if (_homes.TryGetValue(partition, out var known))
            return For(known);
        using var command = source.CreateCommand(sql.SelectHome);
        command.Parameters.AddRange(PostgresValue.Partition(partition));
        if (await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not int found)
            return null;
        Remember(partition, found);
        return For(found);
    }

    /// <summary>The statements for the first checkpoint of a partition, whose build gets tables where it has none.</summary>
    public async ValueTask<StateStatements> MakeAsync(PartitionId partition, CancellationToken cancellationToken)
    {
        using var command = source.CreateCommand(sql.MakeBuild);
        command.Parameters.AddRange(PostgresValue.Build(partition.Dataset, partition.Build));
        return For((int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!);
    }

    /// <summary>Remembers what was read.</summary>
    public void Remember(PartitionId partition, int home) => _homes[partition] = home;

    /// <summary>What was remembered of a partition is no longer so.</summary>
    public void Forget(PartitionId partition) => _homes.TryRemove(partition, out _);

    private StateStatements For(int home) => _statements.GetOrAdd(home, static (home, schema) => new(schema, home), schema);
}
