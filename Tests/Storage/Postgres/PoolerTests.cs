using ActorStreams.States;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Storage.Postgres.States;
using ActorStreams.Tests.States;
using Npgsql;

namespace ActorStreams.Tests.Storage.Postgres;

/// <summary>The state store by way of PgBouncer in transaction mode: the contract, with the schema made through the pooler too.</summary>
public sealed class PoolerTests : StateStoreContract, IAsyncLifetime
{
    private PostgresServer _server = null!;
    private PgBouncer _pooler = null!;

    protected override int Iterations => 6;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.SharedAsync();
        _pooler = await PgBouncer.StartAsync(_server);
    }

    public ValueTask DisposeAsync() => _pooler?.DisposeAsync() ?? default;

    [Fact]
    public async Task Tables_are_made_in_the_schema_and_Orleans_finds_them_by_the_search_path_of_the_role()
    {
        var (direct, pooled) = await NewDatabaseAsync();
        await PostgresSchema.MigrateAsync(pooled);
        Assert.Equal(0L, await PostgresServer.ExecuteAsync(direct, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));
        var error = await Assert.ThrowsAsync<SchemaMismatchException>(() => PostgresSchema.CheckAsync(pooled));
        Assert.Contains("Set it for the role: ALTER ROLE … SET search_path = \"actorstreams\"", error.Message, StringComparison.Ordinal);
        await SetSearchPathAsync(direct);
        await PostgresSchema.CheckAsync(pooled);
        await using var orleans = PostgresConnections.Orleans(pooled);
        for (var i = 0; i < 20; i++)
        {
            await using var command = orleans.CreateCommand("SELECT count(*) FROM OrleansQuery");
            Assert.True((long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))! > 0);
        }
    }

    [Fact]
    public async Task A_pooler_without_the_setting_is_refused_with_the_name_of_the_setting()
    {
        var (direct, _) = await NewDatabaseAsync();
        await PostgresSchema.MigrateAsync(direct);
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => PostgresSchema.CheckAsync(_pooler.Before(direct, transactionPooling: false)));
        Assert.Contains("Set Postgres:TransactionPooling=true", refused.Message, StringComparison.Ordinal);

        await using var lenient = await PgBouncer.StartAsync(_server, "extra_float_digits, search_path, options");
        var ignored = await Assert.ThrowsAsync<SchemaMismatchException>(
            () => PostgresSchema.CheckAsync(lenient.Before(direct, transactionPooling: false)));
        Assert.Contains("Set Postgres:TransactionPooling=true", ignored.Message, StringComparison.Ordinal);
    }

    protected override async Task<IStateStore> OpenAsync()
    {
        var (_, pooled) = await NewDatabaseAsync();
        await PostgresSchema.MigrateAsync(pooled);
        return PostgresStateStore.Open(pooled);
    }

    private async Task<(PostgresOptions Direct, PostgresOptions Pooled)> NewDatabaseAsync()
    {
        var direct = await _server.NewDatabaseAsync();
        return (direct, _pooler.Before(direct));
    }

    private static async Task SetSearchPathAsync(PostgresOptions options)
    {
        var database = new NpgsqlConnectionStringBuilder(options.ConnectionString).Database;
        // The pooler's connections that are open keep the path they had.
        await PostgresServer.ExecuteAsync(options, $"""
            ALTER ROLE {PostgresServer.SuperUser} IN DATABASE {database} SET search_path = actorstreams;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()
            """);
    }
}
