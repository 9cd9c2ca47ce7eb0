using ActorStreams.Cli;
using ActorStreams.Cli.Terminal;
using ActorStreams.Silo;
using ActorStreams.Storage.Postgres;
using ActorStreams.Storage.Postgres.Schema;
using ActorStreams.Storage.Postgres.States;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Storage.Postgres;
using Npgsql;
using k8s.Models;

namespace ActorStreams.Tests.Deploy;

/// <summary>What the jobs run, run for real: their arguments as they are in the manifests.</summary>
public sealed class JobTests(SharedSilo shared) : SharedSiloTest(shared)
{
    [Fact]
    public async Task The_migration_job_makes_the_tables_and_grants_the_silos_role_what_it_needs()
    {
        var server = await PostgresServer.SharedAsync();
        var options = await server.NewDatabaseAsync();
        var owner = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        var role = $"silo_of_{owner.Database}";
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory.File("password"), owner.Password);
        var silo = new PostgresOptions
        {
            ConnectionString = new NpgsqlConnectionStringBuilder(options.ConnectionString)
            {
                Username = role, Password = "p",
            }.ConnectionString,
        };
        owner.Password = null;
        var manifests = await Manifests.OfAsync("overlays/production/migration");
        var text = manifests.One<V1ConfigMap>().Data["migration.json"];
        var given = SettingManifestTests.Settings(manifests, "migration.json");
        await File.WriteAllTextAsync(directory.File("migration.json"), text
            .Replace(given["Postgres:ConnectionString"]!, owner.ConnectionString, StringComparison.Ordinal)
            .Replace(given["Postgres:PasswordFile"]!, directory.File("password"), StringComparison.Ordinal)
            .Replace($"\"{given["Postgres:SiloRole"]}\"", $"\"{role}\"", StringComparison.Ordinal));
        var arguments = manifests.One<V1Job>().Spec.Template.Spec.Containers.Single().Args
            .Select(argument => argument.StartsWith('/') ? directory.File("migration.json") : argument).ToArray();

        Assert.Equal(1, await SiloProgram.RunAsync(arguments)); // there is no such role yet
        await PostgresServer.ExecuteAsync(options, $"CREATE ROLE {role} LOGIN PASSWORD 'p'");
        Assert.Equal(0, await SiloProgram.RunAsync(arguments));
        await PostgresSchema.CheckAsync(silo);
        await using var store = PostgresStateStore.Open(silo);
        Assert.True(await store.WriteCatalogAsync(new(1, "a")));
        Assert.Equal(
            "42501", (await Assert.ThrowsAsync<PostgresException>(() => PostgresServer.ExecuteAsync(silo, "CREATE TABLE x ()"))).SqlState);
    }

    [Fact]
    public async Task The_smoke_test_appends_reads_the_view_and_takes_it_back()
    {
        var pod = (await Manifests.OfAsync("overlays/dev/smoke-test")).One<V1Job>().Spec.Template.Spec;
        Assert.Equal(["append", "read"], pod.InitContainers.Select(container => container.Name));
        Assert.All(pod.InitContainers.Concat(pod.Containers), container => Assert.Equal(["/app/actorstreams"], container.Command));
        var key = $"smoke-{Guid.NewGuid():n}";
        Assert.Equal(ExitCodes.Ok, (await RunAsync(pod.InitContainers[0], key)).Code);
        while ((await RunAsync(pod.InitContainers[1], key)).Code == ExitCodes.NoSuchKey)
            await Task.Delay(50); // as the kubelet tries again
        Assert.Contains("\"orders\":1", (await RunAsync(pod.InitContainers[1], key)).Output, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, (await RunAsync(pod.Containers.Single(), key)).Code);
        while ((await RunAsync(pod.InitContainers[1], key)).Code == ExitCodes.Ok)
            await Task.Delay(50);
        Assert.Equal(ExitCodes.NoSuchKey, (await RunAsync(pod.InitContainers[1], key)).Code);
    }

    private async Task<(int Code, string Output)> RunAsync(V1Container container, string pod)
    {
        var arguments = container.Args.Select(argument => argument.Replace("$(POD_NAME)", pod, StringComparison.Ordinal))
            .Concat(["--url", Silo.Url.AbsoluteUri]).ToList();
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        var code = await CommandLine.RunAsync(arguments, new Shell(output, errors, false, false));
        Assert.True(code is ExitCodes.Ok or ExitCodes.NoSuchKey, $"{string.Join(' ', arguments)}: {errors}");
        return (code, output.ToString());
    }
}
