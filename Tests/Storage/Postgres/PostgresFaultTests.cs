using ActorStreams.States;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Storage.Postgres.States;
using Npgsql;

namespace ActorStreams.Tests.Storage.Postgres;

/// <summary>What becomes of checkpoints when PostgreSQL goes away and comes back.</summary>
public sealed class PostgresFaultTests
{
    private const int Keys = 20;

    [Fact]
    public async Task After_a_crash_of_the_server_every_acknowledged_checkpoint_is_there_and_every_other_is_whole_or_absent()
    {
        await using var server = await PostgresServer.StartNewAsync();
        var options = await server.NewSchemaAsync();
        // Half of the owners write in several commands, so that crashes fall between these too.
        await using var store = PostgresStateStore.Open(options);
        await using var small = PostgresStateStore.Open(new() { ConnectionString = options.ConnectionString, MaxCommandRows = 6 });
        var owners = Enumerable.Range(0, 8).Select(i => new Owner(i % 2 == 0 ? store : small, new("a", 1, i))).ToList();
        using var end = new CancellationTokenSource();
        var running = owners.Select(owner => Task.Run(() => owner.RunAsync(end.Token))).ToList();
        for (var crash = 0; crash < 3; crash++)
        {
            await Task.WhenAny(Task.WhenAll(owners.Select(owner => owner.AcknowledgedAsync(5))), Task.WhenAny(running));
            await server.StopAsync("immediate");
            await server.StartAsync();
        }

        await Task.WhenAny(Task.WhenAll(owners.Select(owner => owner.AcknowledgedAsync(5))), Task.WhenAny(running));
        await end.CancelAsync();
        await Task.WhenAll(running);
        Assert.Contains(owners, owner => owner.Failures > 0);
        foreach (var owner in owners)
            await owner.CheckAsync();
    }

    [Fact]
    public async Task A_server_that_is_away_is_told_in_a_sentence_and_nothing_needs_to_be_restarted_when_it_is_back()
    {
        await using var server = await PostgresServer.StartNewAsync();
        var options = await server.NewSchemaAsync();
        await using var store = PostgresStateStore.Open(options);
        var owner = new Owner(store, new("a", 1, 0));
        await owner.CheckAsync();
        foreach (var mode in new[] { "fast", "immediate" })
        {
            await server.StopAsync(mode);
            for (var i = 0; i < 3; i++)
            {
                var error = await Assert.ThrowsAsync<StoreUnavailableException>(owner.CheckAsync);
                Assert.Matches("PostgreSQL at 127.0.0.1:.* schema actorstreams (is out of reach|has ended the connection)", error.Message);
                Assert.DoesNotContain(PostgresServer.Password, error.ToString(), StringComparison.Ordinal);
            }

            await Assert.ThrowsAsync<StoreUnavailableException>(() => PostgresSchema.CheckAsync(options));
            await server.StartAsync();
            // The pool has noticed, and opens new connections at once.
            await owner.CheckAsync();
        }
    }

    [Fact]
    public async Task Of_several_hosts_the_primary_is_used_and_none_is_as_good_as_a_server_that_is_away()
    {
        await using var server = await PostgresServer.StartNewAsync();
        var options = await server.NewSchemaAsync();
        var nobody = Ports.Free();
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString)
        {
            Host = $"127.0.0.1:{nobody},127.0.0.1:{server.Port}", TargetSessionAttributes = "primary", HostRecheckSeconds = 0, Port = 1,
        };
        options = new() { ConnectionString = settings.ConnectionString };
        await PostgresSchema.CheckAsync(options);
        await using var store = PostgresStateStore.Open(options);
        Assert.Null(await store.ReadCheckpointAsync(new("a", 1, 0)));
        await server.StopAsync();
        foreach (var ask in new Func<Task>[]
        {
            () => store.ReadCheckpointAsync(new("a", 1, 0)).AsTask(), () => PostgresSchema.CheckAsync(options),
        })
        {
            var error = await Assert.ThrowsAsync<StoreUnavailableException>(ask);
            Assert.StartsWith($"PostgreSQL at 127.0.0.1:{nobody},127.0.0.1:{server.Port}/", error.Message, StringComparison.Ordinal);
            Assert.Contains("has no host that can be used now", error.Message, StringComparison.Ordinal);
        }

        await server.StartAsync();
        Assert.Null(await store.ReadCheckpointAsync(new("a", 1, 0)));
    }

    [Fact]
    public async Task A_cancelled_caller_is_told_so()
    {
        var options = await (await PostgresServer.SharedAsync()).NewSchemaAsync();
        await using var store = PostgresStateStore.Open(options);
        await store.WriteCheckpointAsync(Owner.Write(new("a", 1, 0), 1));
        await using var blocker = new NpgsqlConnection(options.ConnectionString);
        await blocker.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await blocker.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("SELECT 1 FROM actorstreams.partition FOR UPDATE", blocker);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        using var cancel = new CancellationTokenSource();
        var write = store.WriteCheckpointAsync(Owner.Write(new("a", 1, 0), 2), cancel.Token).AsTask();
        while (!(bool)(await PostgresServer.ExecuteAsync(
            options, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"))!)
            await Task.Delay(10, TestContext.Current.CancellationToken);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, (await store.ReadCheckpointAsync(new("a", 1, 0)))!.Number);
    }

    [Theory]
    [InlineData("53100", "its disk is full. Free space on it")]
    [InlineData("53300", "Raise its max_connections")]
    [InlineData("25006", "is read-only")]
    [InlineData("40001", "in favour of another")]
    [InlineData("40P01", "in favour of another")]
    [InlineData("57P01", "has ended the connection")]
    [InlineData("57P03", "is starting or stopping")]
    [InlineData("08006", "is out of reach")]
    [InlineData("42P01", "Run the silo with --migrate")]
    [InlineData("58030", "an error of its operating system")]
    public void What_the_server_answers_names_the_remedy(string state, string remedy)
    {
        var error = new NpgsqlException("outer", new PostgresException("what it said", "ERROR", "ERROR", state));
        Assert.True(PostgresFault.IsPassing(error));
        var message = PostgresFault.Translate(error, "here").Message;
        Assert.StartsWith("PostgreSQL at here ", message, StringComparison.Ordinal);
        Assert.Contains(remedy, message, StringComparison.Ordinal);
        Assert.Contains("what it said", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("42601")]
    [InlineData("23505")]
    [InlineData("22021")]
    public void What_only_a_bug_can_cause_stays_as_it_is(string state) =>
        Assert.False(PostgresFault.IsPassing(new PostgresException("", "ERROR", "ERROR", state)));

    /// <summary>
    /// Writes checkpoints of one partition, one after the other, and begins again at the stored one when the store fails.
    /// </summary>
    private sealed class Owner(PostgresStateStore store, PartitionId partition)
    {
        private readonly Lock _gate = new();
        private long _acknowledged;
        private (long At, TaskCompletionSource Reached)? _waiting;

        public int Failures { get; private set; }

        public async Task RunAsync(CancellationToken end)
        {
            var number = 0L;
            while (!end.IsCancellationRequested)
            {
                try
                {
                    Assert.True(await store.WriteCheckpointAsync(Write(partition, number + 1), CancellationToken.None));
                    number++;
                    Acknowledge();
                }
                catch (StoreUnavailableException)
                {
                    Failures++;
                    var stored = await StoredAsync();
                    // What was acknowledged is there; what was not may be.
                    Assert.True(
                        stored == number || stored == number + 1,
                        $"{partition}: {number} was acknowledged, {number + 1} was written, {stored} is stored.");
                    number = stored;
                }
            }
        }

        /// <summary>Done when so many further checkpoints are acknowledged.</summary>
        public Task AcknowledgedAsync(int more)
        {
            lock (_gate)
            {
                _waiting = (_acknowledged + more, new(TaskCreationOptions.RunContinuationsAsynchronously));
                return _waiting.Value.Reached.Task;
            }
        }

        /// <summary>Everything that is stored is of the checkpoint that is stored.</summary>
        public async Task CheckAsync()
        {
            if (await store.ReadCheckpointAsync(partition) is not { } checkpoint)
                return;
            var states = await store.ScanAsync(partition, "", null, 1_000);
            Assert.Equal(Keys, states.Count);
            Assert.All(states, state => Assert.Equal(checkpoint.Number, state.Offset));
            Assert.Equal(
                Keys,
                (await store.ScanContributionsAsync(partition, [new("k", 0, 1_000)]))[0]
                    .Count(c => BitConverter.ToInt64(c.Value.Span) == checkpoint.Number));
        }

        public static CheckpointWrite Write(PartitionId partition, long number) => new()
        {
            Partition = partition,
            Checkpoint = new(number, 0, Keys, default),
            Upserts = [.. Enumerable.Range(0, Keys).Select(i => new StoredState($"k{i}", new byte[50], number, 0))],
            Deletes = ["none"],
            ContributionUpserts = [.. Enumerable.Range(0, Keys)
                .Select(i => new StoredContribution(new("k", 0, new byte[] { (byte)i }), BitConverter.GetBytes(number)))],
            ContributionDeletes = [],
        };

        private void Acknowledge()
        {
            lock (_gate)
            {
                _acknowledged++;
                if (_waiting is { } waiting && _acknowledged >= waiting.At)
                    waiting.Reached.TrySetResult();
            }
        }

        private async Task<long> StoredAsync()
        {
            while (true)
            {
                try
                {
                    return (await store.ReadCheckpointAsync(partition))?.Number ?? 0;
                }
                catch (StoreUnavailableException)
                {
                    await Task.Delay(20);
                }
            }
        }
    }
}
