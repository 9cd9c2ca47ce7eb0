using ActorStreams.States;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.States;
using ActorStreams.Tests.States;

namespace ActorStreams.Tests.Storage.Postgres;

public sealed class PostgresStateStoreTests : StateStoreContract
{
    private PostgresOptions _options = null!;

    // Of each iteration a good part is the wait for the disk at every checkpoint.
    protected override int Iterations => 12;

    [Fact]
    public async Task A_checkpoint_of_many_commands_is_written_whole_or_not_at_all()
    {
        await using var store = await OpenAsync(options => (options.MaxCommandRows, options.MaxCommandBytes) = (3, 40));
        var states = Enumerable.Range(0, 20).Select(i => new StoredState($"k{i:00}", Bytes(new string('x', i * 5)), i, i)).ToList();
        var contributions = Enumerable.Range(0, 20)
            .Select(i => (new ContributionId($"k{i % 3}", i % 2, Bytes($"{i}")), Bytes($"{i}"))).ToList();
        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 1, default, states, [], contributions)));
        Assert.Equal(20, (await store.ScanAsync(P("a"), "", null, 100)).Count);
        Assert.Equal(20, (await store.LoadContributionsAsync(P("a"), [.. contributions.Select(c => c.Item1)])).Count);
        Assert.False(await store.WriteCheckpointAsync(Write(P("a"), 7, default, [], [.. states.Select(s => s.Key)])));
        // A key that is no text, in a late command.
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
            await store.WriteCheckpointAsync(Write(P("a"), 2, default, [new("\ud800", default, 0, 0)], [.. states.Select(s => s.Key)])));
        Assert.Equal(1, (await store.ReadCheckpointAsync(P("a")))!.Number);
        Assert.True(
            await store.WriteCheckpointAsync(
                Write(P("a"), 2, default, [], [.. states.Select(s => s.Key)], [], [.. contributions.Select(c => c.Item1)])));
        Assert.Empty(await store.ScanAsync(P("a"), "", null, 100));
        Assert.Empty(await store.LoadContributionsAsync(P("a"), [.. contributions.Select(c => c.Item1)]));
    }

    [Fact]
    public void A_checkpoint_is_cut_within_its_bounds_and_nothing_is_left_out()
    {
        var write = Write(
            P("a"), 1, default, [.. Enumerable.Range(0, 10).Select(i => new StoredState($"k{i}", new byte[i * 10], 0, 0))],
            ["gone"], [(new("c", 0, default), new byte[500])], [new("d", 0, default)]);
        var parts = CheckpointPart.Cut(write, 4, 100);
        Assert.Equal(
            [0..4, 4..6, 6..7, 7..8, 8..9, 9..10], parts.Select(part => part.Upserts).Where(range => !range.Start.Equals(range.End)));
        Assert.Equal(
            (10, 1, 1, 1),
            (parts.Sum(p => Count(p.Upserts)), parts.Sum(p => Count(p.Deletes)), parts.Sum(p => Count(p.ContributionUpserts)),
                parts.Sum(p => Count(p.ContributionDeletes))));
        Assert.Single(CheckpointPart.Cut(Write(P("a"), 1, default, []), 4, 100));
    }

    [Fact]
    public async Task Of_many_owners_that_go_on_from_one_checkpoint_exactly_one_wins_each_time()
    {
        await using var store = await OpenAsync(_ => { });
        await using var other = PostgresStateStore.Open(_options);
        for (var round = 0; round < 10; round++)
        {
            var won = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => (i % 2 == 0 ? store : other)
                .WriteCheckpointAsync(
                    Write(P("a"), round + 1, default,
                    [
                        new("k", Bytes($"{i}"), round, 0), new($"{round}.{i}", default, 0, 0),
                    ])).AsTask()).ToList());
            Assert.Single(won, true);
            var winner = Array.IndexOf(won, true);
            Assert.Equal($"{round}.{winner}", Assert.Single(await store.ScanAsync(P("a"), $"{round}.", null, 10)).Key);
            Assert.Equal(Bytes($"{winner}").ToArray(), Assert.Single(await store.LoadAsync(P("a"), ["k"])).State.ToArray());
        }
    }

    [Fact]
    public async Task A_read_sees_one_checkpoint_whole()
    {
        await using var store = await OpenAsync(options => options.MaxCommandRows = 7);
        var keys = Enumerable.Range(0, 50).Select(i => $"k{i:00}").ToList();
        await store.WriteCheckpointAsync(Write(P("a"), 1, default, [.. keys.Select(key => new StoredState(key, default, 0, 0))]));
        var writing = Task.Run(async () =>
        {
            for (var number = 2L; number <= 50; number++)
                Assert.True(
                    await store.WriteCheckpointAsync(Write(
                        P("a"), number, default, [.. keys.Select(key => new StoredState(key, default, number, 0))])));
        }, TestContext.Current.CancellationToken);
        while (!writing.IsCompleted)
        {
            Assert.Single((await store.LoadAsync(P("a"), keys)).Select(state => state.Offset).Distinct());
            Assert.Single((await store.ScanAsync(P("a"), "", null, 100)).Select(state => state.Offset).Distinct());
        }

        await writing;
    }

    [Fact]
    public async Task Silos_that_make_and_drop_builds_at_once_leave_no_table_without_a_build()
    {
        await using var store = await OpenAsync(_ => { });
        await using var other = PostgresStateStore.Open(_options);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(silo => Task.Run(async () =>
        {
            var (random, mine) = (new Random(silo), silo % 2 == 0 ? store : other);
            for (var i = 0; i < 40; i++)
            {
                var id = P("a", random.Next(1, 4), random.Next(2));
                if (random.Next(4) == 0)
                    await mine.DropAsync(id.Dataset, id.Build);
                else
                    await mine.WriteCheckpointAsync(Full(id, ((await mine.ReadCheckpointAsync(id))?.Number ?? 0) + 1));
                var found = await mine.ScanAsync(id, "", null, 100);
                Assert.True(found.Count is 0 or 10);
                Assert.InRange(found.Select(state => state.Offset).Distinct().Count(), 0, 1);
            }
        })).ToList());
        const string Tables = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'state\\_%' OR tablename LIKE 'contribution\\_%'";
        Assert.Equal(2 * (long)(await PostgresServer.ExecuteAsync(_options, "SELECT count(*) FROM build"))!,
            await PostgresServer.ExecuteAsync(_options, Tables));
        for (var build = 1; build < 4; build++)
            await store.DropAsync("a", build);
        Assert.Equal(0L, await PostgresServer.ExecuteAsync(_options, Tables));
        Assert.Equal(0L, await PostgresServer.ExecuteAsync(_options, "SELECT count(*) FROM partition"));
    }

    [Fact]
    public async Task A_drop_waits_for_the_readers_of_its_build_alone_and_holds_back_no_other()
    {
        await using var store = await OpenAsync(options => options.CommandTimeoutSeconds = 1);
        await store.WriteCheckpointAsync(Full(P("a"), 1));
        await store.WriteCheckpointAsync(Full(P("a", build: 2), 1));
        await using var reader = new Npgsql.NpgsqlConnection(_options.ConnectionString);
        await reader.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await reader.BeginTransactionAsync(TestContext.Current.CancellationToken);
        var table = await PostgresServer.ExecuteAsync(_options, "SELECT 'state_' || id FROM build WHERE number = 1");
        await using (var command = new Npgsql.NpgsqlCommand($"SELECT count(*) FROM actorstreams.{table}", reader))
            await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        var drop = store.DropAsync("a", 1).AsTask();
        for (var number = 2; !drop.IsCompleted; number++)
        {
            Assert.True(await store.WriteCheckpointAsync(Full(P("a", build: 2), number)));
            Assert.Equal(10, (await store.ScanAsync(P("a", build: 2), "", null, 100)).Count);
        }

        await Assert.ThrowsAsync<StoreUnavailableException>(() => drop);
        // Nothing of it was done.
        Assert.Equal(1, (await store.ReadCheckpointAsync(P("a")))!.Number);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await store.DropAsync("a", 1);
        await CheckEmptyAsync(store, P("a"));
    }

    [Fact]
    public async Task Every_query_goes_by_the_whole_key_also_on_tables_without_statistics()
    {
        await using var store = await OpenAsync(_ => { });
        var keys = Enumerable.Range(0, 3_000).Select(i => $"key {i:0000}").ToList();
        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 1, default,
            [.. keys.Select(key => new StoredState(key, Bytes("12345"), 0, 0))], [],
            [
                .. keys.Select(key => (new ContributionId(key, 0, Bytes("e")), Bytes("1"))),
            ])));
        for (var i = 1; i < 10; i++)
        {
            Assert.True(await store.WriteCheckpointAsync(Write(P("a"), i + 1, default,
                [new("key 0007", default, i, 0)], [keys[100 + i]],
                [
                    (new("key 0007", 0, Bytes("e")), Bytes("2")),
                ], [new(keys[100 + i], 0, Bytes("e"))])));
            Assert.Equal(5, (await store.LoadAsync(P("a"), keys[..5])).Count);
            Assert.Equal(
                5,
                (await store.LoadContributionsAsync(P("a"), [.. keys[..5].Select(key => new ContributionId(key, 0, Bytes("e")))])).Count);
            Assert.Equal(5, (await store.ScanAsync(P("a"), "key 1", "key 1500", 5)).Count);
            Assert.Single((await store.ScanContributionsAsync(P("a"), [new("key 0001", 0, 10)]))[0]);
        }

        // What a server process counted is told when it ends, and closing the pool ends it.
        await store.DisposeAsync();
        while ((long)(await PostgresServer.ExecuteAsync(
            _options, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%partition_id%' AND pid <> pg_backend_pid()"))! > 0)
            await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.Equal("none", await PostgresServer.ExecuteAsync(
            _options,
            "SELECT coalesce(string_agg(relname || ' ' || seq_scan, ', ' ORDER BY relname), 'none') FROM pg_stat_user_tables "
            + "WHERE (relname LIKE 'state%' OR relname LIKE 'contribution%') AND seq_scan > 1"));
        var read = (long)(await PostgresServer.ExecuteAsync(
            _options, "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes "
            + "WHERE relname LIKE 'state%' OR relname LIKE 'contribution%'"))!;
        Assert.InRange(read, 100, 1_000);
    }

    [Fact]
    public async Task A_server_with_no_connection_left_and_a_pool_with_none_are_told_apart()
    {
        await using var store = await OpenAsync(options => (options.MaxConnections, options.CommandTimeoutSeconds) = (1, 1));
        await store.WriteCheckpointAsync(Write(P("a"), 1, default, []));
        await using var blocker = new Npgsql.NpgsqlConnection(_options.ConnectionString);
        await blocker.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await blocker.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var command = new Npgsql.NpgsqlCommand("SELECT 1 FROM actorstreams.partition FOR UPDATE", blocker))
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        var writes = Enumerable.Range(0, 3).Select(_ => store.WriteCheckpointAsync(Write(P("a"), 2, default, [])).AsTask()).ToList();
        await Task.WhenAll(writes).ContinueWith(_ => { }, TaskScheduler.Default);
        var messages = writes.Select(write => Assert.IsType<StoreUnavailableException>(write.Exception!.InnerException).Message).ToList();
        Assert.Contains(messages, message => message.Contains("took too long", StringComparison.Ordinal)
            || message.Contains("did not answer in time", StringComparison.Ordinal));
        Assert.Contains(messages, message => message.Contains("no free connection", StringComparison.Ordinal));
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        Assert.True(await store.WriteCheckpointAsync(Write(P("a"), 2, default, [])));
    }

    protected override async Task<IStateStore> OpenAsync() => await OpenAsync(_ => { });

    protected override async Task<IStateStore> AgainAsync(IStateStore store)
    {
        await CloseAsync(store);
        return PostgresStateStore.Open(_options);
    }

    /// <summary>One database a test; emptied where the test asks again.</summary>
    private async Task<PostgresStateStore> OpenAsync(Action<PostgresOptions> configure)
    {
        _options ??= await (await PostgresServer.SharedAsync()).NewSchemaAsync();
        configure(_options);
        var store = PostgresStateStore.Open(_options);
        await PostgresServer.ExecuteAsync(
            _options, "SELECT drop_build(dataset, number) FROM build; UPDATE catalog SET number = 0, text = ''");
        return store;
    }

    private static int Count(Range range) => range.End.Value - range.Start.Value;
}
