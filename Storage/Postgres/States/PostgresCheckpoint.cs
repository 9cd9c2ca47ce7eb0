using ActorStreams.States;
using Npgsql;

namespace ActorStreams.Storage.Postgres.States;

// A checkpoint is one statement. Its first part updates the partition's row, on the condition, and returns the row's id. The other parts
// write the rows of that partition, and none where the condition failed. The rows of one checkpoint are disjoint, so their order does not
// matter. Only one owner at a time gets past the first part, so two owners cannot block each other.
//
// Rows are written in key order: neighbours in the index are then on pages that are cached already, which makes updates up to twice as
// fast as in the order of a hash.
//
// A checkpoint larger than MaxCommandRows or MaxCommandBytes is cut into several such statements of one transaction. The later ones
// are given the row's id.

/// <summary>Writes checkpoints.</summary>
internal sealed class PostgresCheckpoint(NpgsqlDataSource source, BuildHomes homes, PostgresOptions options)
{
    /// <summary>Writes one, on its condition.</summary>
    public Task<bool> WriteAsync(CheckpointWrite write, CancellationToken cancellationToken)
    {
        write = InKeyOrder(write);
        return homes.RunAsync(
            write.Partition, isFirst: write.Checkpoint.Number == 1, sql => WriteAsync(sql, write, cancellationToken), none: false,
            cancellationToken);
    }

    private async Task<bool> WriteAsync(StateStatements sql, CheckpointWrite write, CancellationToken cancellationToken)
    {
        var parts = CheckpointPart.Cut(write, options.MaxCommandRows, options.MaxCommandBytes);
        var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var closing = connection.ConfigureAwait(false);
        if (parts is [var only])
            return await MoveAsync(connection, sql, write, only, cancellationToken).ConfigureAwait(false) is not null;
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var ending = transaction.ConfigureAwait(false);
        if (await MoveAsync(connection, sql, write, parts[0], cancellationToken).ConfigureAwait(false) is not { } partition)
            return false;
        foreach (var part in parts.Skip(1))
            await RunAsync(
                connection, sql.WriteFurther, [.. part.Parameters(write), PostgresValue.Of(partition)],
                cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    private static CheckpointWrite InKeyOrder(CheckpointWrite write) => new()
    {
        Partition = write.Partition,
        Checkpoint = write.Checkpoint,
        Upserts = Sorted(write.Upserts, static state => state.Key),
        Deletes = write.Deletes,
        ContributionUpserts = Sorted(write.ContributionUpserts, static contribution => contribution.Id.Key),
        ContributionDeletes = write.ContributionDeletes,
    };

    private static T[] Sorted<T>(IReadOnlyList<T> rows, Func<T, string> key)
    {
        var (keys, sorted) = (new string[rows.Count], new T[rows.Count]);
        for (var i = 0; i < rows.Count; i++)
            (keys[i], sorted[i]) = (key(rows[i]), rows[i]);
        Array.Sort(keys, sorted, KeyOrder.Instance);
        return sorted;
    }

    /// <summary>Writes the partition's row and the first rows of states; the row's id, or null where the condition failed.</summary>
    private static Task<int?> MoveAsync(
        NpgsqlConnection connection, StateStatements sql, CheckpointWrite write, CheckpointPart part, CancellationToken cancellationToken)
    {
        List<NpgsqlParameter> parameters =
        [
            .. part.Parameters(write), .. PostgresValue.Partition(write.Partition),
            PostgresValue.Of(write.Checkpoint.Position), PostgresValue.Of(write.Checkpoint.States),
            PostgresValue.Of(write.Checkpoint.Header), PostgresValue.Of(write.Checkpoint.Number),
        ];
        return RunAsync(connection, write.Checkpoint.Number == 1 ? sql.WriteFirst : sql.WriteNext, parameters, cancellationToken);
    }

    private static async Task<int?> RunAsync(
        NpgsqlConnection connection, string sql, List<NpgsqlParameter> parameters, CancellationToken cancellationToken)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters.ToArray());
        return (int?)await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }
}
