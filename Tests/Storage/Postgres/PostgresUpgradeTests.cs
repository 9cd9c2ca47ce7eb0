using System.Text;
using ActorStreams.States;
using ActorStreams.Storage;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Storage.Postgres.States;

namespace ActorStreams.Tests.Storage.Postgres;

/// <summary>The schema of the version before builds is upgraded in place, while silos of that version run on it.</summary>
public sealed class PostgresUpgradeTests
{
    private static readonly PartitionId Zero = new("a", 1, 0);

    [Fact]
    public async Task What_was_stored_is_there_after_the_upgrade_and_its_partitions_continue_in_the_shared_tables()
    {
        var options = await VersionBeforeBuilds.NewSchemaAsync();
        await using var old = new VersionBeforeBuilds(options);
        Assert.True(await old.WriteAsync("a", 0, 5, null));
        await PostgresServer.ExecuteAsync(options, "INSERT INTO dataset VALUES ('a', 'described')");
        Assert.Equal(["0003-append-keys.sql", "0004-builds.sql"], await PostgresSchema.MigrateAsync(options));
        await PostgresSchema.CheckAsync(options);
        await using var store = PostgresStateStore.Open(options);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "described" }, await store.ReadDatasetsAsync());
        Assert.Equal(new(0, ""), await store.ReadCatalogAsync());
        var checkpoint = (await store.ReadCheckpointAsync(Zero))!;
        Assert.Equal((1L, 5L, 2L, "marks"), (checkpoint.Number, checkpoint.Position, checkpoint.States, Text(checkpoint.Header)));
        Assert.Equal(["5", "5"], (await store.LoadAsync(Zero, ["k0", "k1", "k2"])).Select(state => Text(state.State)));
        Assert.Equal("5", Text(Assert.Single(Assert.Single(await store.ScanContributionsAsync(Zero, [new("k0", 0, 10)]))).Value));
        Assert.True(await store.WriteCheckpointAsync(Next(Zero, 2)));
        Assert.True(await store.WriteCheckpointAsync(Next(Zero, 3)));
        Assert.Equal(3L, await PostgresServer.ExecuteAsync(options, "SELECT count(*) FROM state"));
        Assert.Equal(0L, await PostgresServer.ExecuteAsync(options, "SELECT count(*) FROM build"));
    }

    [Fact]
    public async Task A_migration_that_is_cut_leaves_the_schema_as_it_was()
    {
        var options = await VersionBeforeBuilds.NewSchemaAsync();
        await using var old = new VersionBeforeBuilds(options);
        Assert.True(await old.WriteAsync("a", 0, 5, null));
        await PostgresServer.ExecuteAsync(options, "CREATE FUNCTION count_checkpoint() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => PostgresSchema.MigrateAsync(options));
        await Assert.ThrowsAsync<SchemaMismatchException>(() => PostgresSchema.CheckAsync(options));
        Assert.True(await old.WriteAsync("a", 0, 6, 5));
        await PostgresServer.ExecuteAsync(options, "DROP FUNCTION count_checkpoint()");
        await PostgresSchema.MigrateAsync(options);
        await using var store = PostgresStateStore.Open(options);
        Assert.Equal(6, (await store.ReadCheckpointAsync(Zero))!.Position);
    }

    [Fact]
    public async Task A_silo_of_the_version_before_continues_until_a_new_one_writes_and_is_then_refused_also_at_the_same_position()
    {
        var options = await VersionBeforeBuilds.NewSchemaAsync();
        await using var old = new VersionBeforeBuilds(options);
        for (var position = 1; position <= 4; position++)
            Assert.True(await old.WriteAsync("a", 0, position, position == 1 ? null : position - 1));
        await PostgresSchema.MigrateAsync(options);
        await using var store = PostgresStateStore.Open(options);
        // It goes on, and each of its checkpoints is counted; a partition that it begins is one of the shared tables.
        for (var position = 5; position <= 8; position++)
            Assert.True(await old.WriteAsync("a", 0, position, position - 1));
        Assert.True(await old.WriteAsync("a", 1, 1, null));
        Assert.Equal((5, 8), await StandsAsync(store, Zero));
        Assert.Equal((1, 1), await StandsAsync(store, new("a", 1, 1)));
        Assert.Equal("8", Text((await store.LoadAsync(Zero, ["k1"]))[0].State));

        // A new owner that read the checkpoint before the old one wrote once more is refused.
        Assert.True(await old.WriteAsync("a", 0, 9, 8));
        Assert.False(await store.WriteCheckpointAsync(Next(Zero, 6, position: 8)));
        // Its own first checkpoint stays at the position. From there on the old one is refused, whichever position it has seen.
        Assert.True(await store.WriteCheckpointAsync(Next(Zero, 7, position: 9)));
        Assert.False(await old.WriteAsync("a", 0, 10, 9));
        Assert.False(await old.WriteAsync("a", 0, 10, null));
        Assert.Equal((7, 9), await StandsAsync(store, Zero));
        Assert.Equal("9", Text((await store.LoadAsync(Zero, ["k1"]))[0].State));
        Assert.Equal(9, await old.PositionAsync("a", 0));
        Assert.True(await store.WriteCheckpointAsync(Next(Zero, 8, position: 10)));
        // Partitions that the old one begins, and those that the new one begins, may be of one build.
        Assert.True(await store.WriteCheckpointAsync(Next(new("a", 1, 2), 1, position: 1)));
        Assert.False(await old.WriteAsync("a", 2, 2, null));
        Assert.False(await old.WriteAsync("a", 2, 2, 1));
        Assert.True(await old.WriteAsync("a", 3, 1, null));
        await store.DropAsync("a", 1);
        foreach (var table in new[] { "partition", "state", "contribution", "build", "remains" })
            Assert.Equal(0L, await PostgresServer.ExecuteAsync(options, $"SELECT count(*) FROM {table}"));
        Assert.False(await old.WriteAsync("a", 1, 2, 1));
    }

    [Fact]
    public async Task Of_silos_of_both_versions_at_one_partition_one_wins_each_checkpoint_and_what_is_stored_is_whole()
    {
        var options = await VersionBeforeBuilds.NewSchemaAsync();
        await using var old = new VersionBeforeBuilds(options);
        Assert.True(await old.WriteAsync("a", 0, 0, null));
        await PostgresSchema.MigrateAsync(options);
        await using var store = PostgresStateStore.Open(options);
        var (byOld, byNew) = (0, 0);
        var isNumbered = false;
        for (var round = 0; round < 60; round++)
        {
            // Both own it, as after a split: both go on from what is stored, by one position.
            var seen = (await store.ReadCheckpointAsync(Zero))!;
            var oldest = Task.Run(() => old.WriteAsync("a", 0, seen.Position + 1, seen.Position));
            var newest = round < 20
                ? Task.FromResult(false)
                : Task.Run(async () => await store.WriteCheckpointAsync(Next(Zero, seen.Number + 1, seen.Position + 1)));
            var (oldWon, newWon) = (await oldest, await newest);
            Assert.True(oldWon != newWon, $"Round {round}: the old one {oldWon}, the new one {newWon}.");
            Assert.False(isNumbered && oldWon);
            isNumbered |= newWon;
            (byOld, byNew) = (byOld + (oldWon ? 1 : 0), byNew + (newWon ? 1 : 0));
            Assert.Equal((seen.Number + 1, seen.Position + 1), await StandsAsync(store, Zero));
            Assert.Equal($"{seen.Position + 1}", Text((await store.LoadAsync(Zero, ["k1"]))[0].State));
        }

        Assert.True(byOld >= 20 && byNew > 0, $"{byOld} by the old one, {byNew} by the new one.");
    }

    [Fact]
    public async Task The_version_before_does_not_start_on_the_upgraded_schema()
    {
        var options = await VersionBeforeBuilds.NewSchemaAsync();
        await PostgresSchema.MigrateAsync(options);
        // It knows the first two scripts, and refuses any other as this version refuses one that it does not know.
        await PostgresServer.ExecuteAsync(options, "UPDATE applied_script SET name = '0004-later.sql' WHERE name = '0004-builds.sql'");
        Assert.StartsWith(
            "The schema 'actorstreams' in PostgreSQL was set up by a newer version: it has 0004-later.sql",
            (await Assert.ThrowsAsync<NewerFormatException>(() => PostgresSchema.CheckAsync(options))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_build_of_the_version_before_is_dropped_at_once_and_its_rows_go_in_steps_also_after_a_cut()
    {
        var options = await VersionBeforeBuilds.NewSchemaAsync();
        await using var old = new VersionBeforeBuilds(options);
        foreach (var number in new[] { 0, 1 })
            Assert.True(await old.WriteAsync("a", number, 5, null, states: 25_000));
        Assert.True(await old.WriteAsync("b", 0, 5, null));
        await PostgresSchema.MigrateAsync(options);
        await using var store = PostgresStateStore.Open(options);
        // As far as a silo comes that is killed after the first of its statements, and one step.
        await PostgresServer.ExecuteAsync(options, "SELECT drop_build('a', 1)");
        Assert.Equal(true, await PostgresServer.ExecuteAsync(options, "SELECT drop_remains(10000)"));
        Assert.Equal(40_002L, await PostgresServer.ExecuteAsync(options, "SELECT count(*) FROM state"));
        Assert.Null(await store.ReadCheckpointAsync(Zero));
        Assert.Empty(await store.LoadAsync(Zero, ["k24999"]));
        // It begins anew beside what is left.
        Assert.True(await store.WriteCheckpointAsync(Next(Zero, 1)));
        // Two at once; one of them has another build to drop.
        await Task.WhenAll(store.DropAsync("a", 2).AsTask(), store.DropAsync("none", 1).AsTask());
        Assert.Equal(2L, await PostgresServer.ExecuteAsync(options, "SELECT count(*) FROM state"));
        Assert.Equal(2L, await PostgresServer.ExecuteAsync(options, "SELECT count(*) FROM contribution"));
        Assert.Equal(0L, await PostgresServer.ExecuteAsync(options, "SELECT count(*) FROM remains"));
        Assert.Equal(3, (await store.ScanAsync(Zero, "", null, 100)).Count);
        Assert.Equal(2, (await store.ScanAsync(new("b", 1, 0), "", null, 100)).Count);
    }

    /// <summary>A checkpoint with the states k0, k1 and k2.</summary>
    private static CheckpointWrite Next(PartitionId partition, long number, long position = 5) => new()
    {
        Partition = partition,
        Checkpoint = new(number, position, 3, "header"u8.ToArray()),
        Upserts = [.. Enumerable.Range(0, 3).Select(i => new StoredState($"k{i}", Encoding.UTF8.GetBytes($"{position}"), position, 0))],
        Deletes = ["gone"],
        ContributionUpserts = [new(new("k0", 0, "e"u8.ToArray()), Encoding.UTF8.GetBytes($"{position}"))],
        ContributionDeletes = [new("gone", 0, "e"u8.ToArray())],
    };

    private static async Task<(long Number, long Position)> StandsAsync(PostgresStateStore store, PartitionId partition)
    {
        var checkpoint = (await store.ReadCheckpointAsync(partition))!;
        return (checkpoint.Number, checkpoint.Position);
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
