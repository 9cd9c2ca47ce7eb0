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

    /// <summary>Runs with the statements for a partition's rows; <paramref name="none"/> when it has no checkpoint.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="isFirst">Whether this is to be its first checkpoint: its build gets tables where it has none.</param>
    /// <param name="run">It runs again where the build was dropped meanwhile and made anew.</param>
    /// <param name="none">The answer for a partition without a checkpoint.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    public async Task<T> RunAsync<T>(
        PartitionId partition, bool isFirst, Func<StateStatements, Task<T>> run, T none, CancellationToken cancellationToken)
    {
        var statements = !isFirst && _homes.TryGetValue(partition, out var known)
            ? For(known)
            : await FindAsync(partition, isFirst, cancellationToken).ConfigureAwait(false);
        while (statements is not null)
        {
            try
            {
                return await run(statements).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UndefinedTable)
            {
                var found = await FindAsync(partition, isFirst, cancellationToken).ConfigureAwait(false);
                if (found == statements)
                    throw;
                statements = found;
            }
        }

        return none;
    }

    /// <summary>Remembers what was read.</summary>
    public void Remember(PartitionId partition, int home) => _homes[partition] = home;

    /// <summary>What was remembered of a partition is no longer so.</summary>
    public void Forget(PartitionId partition) => _homes.TryRemove(partition, out _);

    private async Task<StateStatements?> FindAsync(PartitionId partition, bool isFirst, CancellationToken cancellationToken)
    {
        using var command = source.CreateCommand(isFirst ? sql.MakeBuild : sql.SelectHome);
        command.Parameters.AddRange(
            isFirst ? PostgresValue.Build(partition.Dataset, partition.Build) : PostgresValue.Partition(partition));
        if (await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is int home)
        {
            Remember(partition, home);
            return For(home);
        }

        Forget(partition);
        return null;
    }

    private StateStatements For(int home) => _statements.GetOrAdd(home, static (home, schema) => new(schema, home), schema);
}
