using ActorStreams.States;
using ActorStreams.Storage;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Storage.Postgres.States;
using Npgsql;

namespace ActorStreams.Tests.Storage.Postgres;

public sealed class PostgresSchemaTests
{
    private static readonly string[] Scripts = ["0001-states.sql", "0002-orleans.sql", "0003-append-keys.sql", "0004-builds.sql"];

    [Fact]
    public async Task An_empty_database_is_set_up_once()
    {
        var options = await NewDatabaseAsync();
        var error = await Assert.ThrowsAsync<SchemaMismatchException>(() => PostgresSchema.CheckAsync(options));
        Assert.Equal(
            "The schema 'actorstreams' in PostgreSQL lacks 0001-states.sql, 0002-orleans.sql, 0003-append-keys.sql, 0004-builds.sql. "
            + "Run the silo once with --migrate.",
            error.Message);
        Assert.Equal(Scripts, await PostgresSchema.MigrateAsync(options));
        await PostgresSchema.CheckAsync(options);
        Assert.Empty(await PostgresSchema.MigrateAsync(options));
    }

    [Fact]
    public async Task Five_that_start_at_once_apply_each_script_once()
    {
        var options = await NewDatabaseAsync();
        var applied = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => PostgresSchema.MigrateAsync(options)).ToList());
        Assert.Equal(Scripts, applied.SelectMany(names => names));
        await PostgresSchema.CheckAsync(options);
    }

    [Fact]
    public async Task Two_schemas_of_one_database_do_not_meet()
    {
        var (one, two) = (await NewDatabaseAsync(), await NewDatabaseAsync());
        (two.ConnectionString, two.Schema) = (one.ConnectionString, "other");
        await Task.WhenAll(PostgresSchema.MigrateAsync(one), PostgresSchema.MigrateAsync(two));
        await using var first = PostgresStateStore.Open(one);
        await using var second = PostgresStateStore.Open(two);
        Assert.True(await first.WriteCatalogAsync(new(1, "first")));
        Assert.Equal(0, (await second.ReadCatalogAsync()).Number);
    }

    [Fact]
    public async Task What_a_newer_version_set_up_is_refused()
    {
        var options = await NewSchemaAsync();
        await PostgresServer.ExecuteAsync(options, "INSERT INTO applied_script (name, checksum) VALUES ('0099-later.sql', '')");
        foreach (var ask in new Func<Task>[] { () => PostgresSchema.CheckAsync(options), () => PostgresSchema.MigrateAsync(options) })
            Assert.Contains(
                "set up by a newer version: it has 0099-later.sql", (await Assert.ThrowsAsync<NewerFormatException>(ask)).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_that_was_applied_in_another_form_is_refused()
    {
        var options = await NewSchemaAsync();
        await PostgresServer.ExecuteAsync(options, "UPDATE applied_script SET checksum = 'other' WHERE name = '0002-orleans.sql'");
        Assert.Contains(
            "another 0002-orleans.sql",
            (await Assert.ThrowsAsync<SchemaMismatchException>(() => PostgresSchema.CheckAsync(options))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_wait_for_its_disk_is_refused()
    {
        var options = await NewSchemaAsync();
        options.ConnectionString += ";Options=-c synchronous_commit=off";
        Assert.Contains(
            "synchronous_commit = off",
            (await Assert.ThrowsAsync<SchemaMismatchException>(() => PostgresSchema.CheckAsync(options))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_without_the_right_to_create_is_told_what_to_do()
    {
        var options = await NewDatabaseAsync();
        var plain = await NewRoleAsync(options);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => PostgresSchema.MigrateAsync(plain));
        Assert.Contains(
            "does not allow this to the role. Grant it what docs/operate/postgres.md lists, or run --migrate as the owner", error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_with_the_granted_rights_alone_runs_the_store_and_cannot_change_the_schema()
    {
        var options = await NewSchemaAsync();
        var plain = await NewRoleAsync(options);
        Assert.Contains(
            "Run the silo once with --migrate",
            (await Assert.ThrowsAsync<SchemaMismatchException>(
                () => PostgresSchema.CheckAsync(new() { ConnectionString = plain.ConnectionString, Schema = "none" }))).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "docs/operate/postgres.md",
            (await Assert.ThrowsAsync<StoreUnavailableException>(() => PostgresSchema.CheckAsync(plain))).Message,
            StringComparison.Ordinal);
        await PostgresServer.ExecuteAsync(
            options, PostgresSchema.GrantStatements(options.Schema, new NpgsqlConnectionStringBuilder(plain.ConnectionString).Username!));
        await PostgresSchema.CheckAsync(plain);
        Assert.Empty(await PostgresSchema.MigrateAsync(plain));
        await using var store = PostgresStateStore.Open(plain);
        Assert.True(await store.WriteCatalogAsync(new(1, "a")));
        Assert.True(await store.WriteCheckpointAsync(new()
        {
            Partition = new("a", 1, 0), Checkpoint = new(1, 1, 1, default),
            Upserts = [new("k", default, 0, 0)],
            Deletes = ["l"],
            ContributionUpserts = [new(new("k", 0, default), default)], ContributionDeletes = [new("l", 0, default)],
        }));
        Assert.Single(await store.ScanAsync(new("a", 1, 0), "", null, 10));
        var home = await PostgresServer.ExecuteAsync(options, "SELECT id FROM build");
        foreach (var forbidden in new[]
        {
            "DROP TABLE state", $"DROP TABLE state_{home}", $"TRUNCATE state_{home}", "TRUNCATE state", "DELETE FROM build",
            "UPDATE orleansquery SET querytext = ''", "DELETE FROM applied_script", "CREATE TABLE x ()",
        })
            Assert.Equal(
                "42501", (await Assert.ThrowsAsync<PostgresException>(() => PostgresServer.ExecuteAsync(plain, forbidden))).SqlState);

        // Temporary tables come first in a search_path that does not name them: the functions of the schema's owner do not look there.
        await PostgresServer.ExecuteAsync(plain, """
            CREATE TEMPORARY TABLE build (id integer, dataset text, number integer);
            CREATE TEMPORARY TABLE partition (id integer, dataset text, version integer, home integer);
            INSERT INTO build VALUES (1, 'a', 1);
            SELECT drop_build('a', 1);
            """);
        Assert.Equal(0L, await PostgresServer.ExecuteAsync(options, "SELECT count(*) FROM build"));
        await store.DropAsync("a", 1);
        Assert.Null(await store.ReadCheckpointAsync(new("a", 1, 0)));
        var nobody = await NewRoleAsync(options);
        await PostgresServer.ExecuteAsync(
            options,
            $"GRANT USAGE ON SCHEMA actorstreams TO \"{new NpgsqlConnectionStringBuilder(nobody.ConnectionString).Username}\"");
        foreach (var forbidden in new[] { "SELECT make_build('a', 1)", "SELECT drop_build('a', 1)" })
            Assert.Equal(
                "42501", (await Assert.ThrowsAsync<PostgresException>(() => PostgresServer.ExecuteAsync(nobody, forbidden))).SqlState);
    }

    [Fact]
    public async Task All_wrong_settings_are_told_at_once_and_without_the_connection_string()
    {
        var error = Assert.Throws<ArgumentException>(() => PostgresStateStore.Open(new()
        {
            ConnectionString = "Host=h;Password=top;secret=1", PasswordFile = "/none", Schema = "Drop;", MaxConnections = 0,
            CommandTimeoutSeconds = 0,
        }));
        foreach (var name in new[]
        {
            "ConnectionString", "PasswordFile '/none'", "Schema is 'Drop;'", "MaxConnections", "CommandTimeoutSeconds",
        })
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("top", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            "ConnectionString", Assert.Throws<ArgumentException>(() => PostgresStateStore.Open(new())).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => PostgresSchema.CheckAsync(new() { ConnectionString = "Database=d" }));
    }

    [Fact]
    public async Task A_new_password_in_the_file_is_used_for_new_connections_and_never_shown()
    {
        var options = await NewSchemaAsync();
        var plain = await NewRoleAsync(options);
        var settings = new NpgsqlConnectionStringBuilder(plain.ConnectionString);
        await PostgresServer.ExecuteAsync(options, PostgresSchema.GrantStatements(options.Schema, settings.Username!));
        using var directory = new TemporaryDirectory();
        var file = directory.File("password");
        await File.WriteAllTextAsync(file, settings.Password + "\n", TestContext.Current.CancellationToken);
        settings.Password = null;
        plain = new() { ConnectionString = settings.ConnectionString, PasswordFile = file };
        await using var store = PostgresStateStore.Open(plain);
        await using var orleans = PostgresConnections.Orleans(plain);
        Assert.Equal(0, (await store.ReadCatalogAsync()).Number);

        // The old password is no longer valid, and the connection there is ends.
        await PostgresServer.ExecuteAsync(
            options,
            $"ALTER ROLE \"{settings.Username}\" PASSWORD 'the-new-secret'; SELECT pg_terminate_backend(pid) "
            + $"FROM pg_stat_activity WHERE usename = '{settings.Username}'");
        var shown = new List<string>();
        for (var i = 0; i < 2; i++)
            shown.Add((await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.ReadCatalogAsync())).ToString());
        Assert.Contains(
            "refuses this role. Check its user name, its password (Postgres:PasswordFile)", shown[^1], StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, "the-new-secret", TestContext.Current.CancellationToken);
        Assert.Equal(0, (await store.ReadCatalogAsync()).Number);
        await using var connection = await orleans.OpenConnectionAsync(TestContext.Current.CancellationToken);
        File.Delete(file);
        await PostgresServer.ExecuteAsync(
            options, $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{settings.Username}'");
        for (var i = 0; i < 2; i++)
            shown.Add((await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.ReadCatalogAsync())).ToString());
        Assert.Contains($"The password file '{file}' of PostgreSQL cannot be read", shown[^1], StringComparison.Ordinal);
        shown.AddRange([orleans.ConnectionString, connection.ConnectionString]);
        Assert.All(shown, text => Assert.DoesNotContain("secret", text, StringComparison.Ordinal));
    }

    private static async Task<PostgresOptions> NewDatabaseAsync() => await (await PostgresServer.SharedAsync()).NewDatabaseAsync();

    private static async Task<PostgresOptions> NewSchemaAsync() => await (await PostgresServer.SharedAsync()).NewSchemaAsync();

    /// <summary>The same database, as a new role that has no rights.</summary>
    private static async Task<PostgresOptions> NewRoleAsync(PostgresOptions options)
    {
        var role = $"Plain {Guid.NewGuid():n}";
        await PostgresServer.ExecuteAsync(options, $"CREATE ROLE \"{role}\" LOGIN PASSWORD 'old-secret'");
        return new()
        {
            ConnectionString = new NpgsqlConnectionStringBuilder(options.ConnectionString)
            {
                Username = role, Password = "old-secret",
            }.ConnectionString,
        };
    }
}
