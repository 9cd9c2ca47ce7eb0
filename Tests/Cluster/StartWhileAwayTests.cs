using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Storage.Postgres;

namespace ActorStreams.Tests.Cluster;

/// <summary>A silo whose database is away when it starts; its log is the embedded one.</summary>
public sealed class StartWhileAwayTests
{
    [Fact]
    public async Task A_silo_that_starts_while_the_database_is_away_waits_and_says_why()
    {
        await using var postgres = await PostgresServer.StartNewAsync();
        await using var silo = await NewSiloAsync(postgres);
        await postgres.StopAsync();
        var waits = new TaskCompletionSource<string>();
        silo.OnLine = line =>
        {
            if (line.Contains("The silo waits with its start", StringComparison.Ordinal))
                waits.TrySetResult(line);
        };
        silo.Launch();
        var reason = await waits.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Contains("is out of reach", reason, StringComparison.Ordinal);
        await postgres.StartAsync();
        await silo.ReadyAsync();
    }

    [Fact]
    public async Task A_silo_waits_no_longer_than_it_may()
    {
        await using var postgres = await PostgresServer.StartNewAsync();
        await using var silo = await NewSiloAsync(postgres);
        await postgres.StopAsync();
        silo.Launch("--Silo:StartWaitSeconds=2");
        Assert.Equal(1, await silo.EndAsync());
        Assert.StartsWith("The silo cannot start. PostgreSQL at ", silo.Errors, StringComparison.Ordinal);
    }

    private static async Task<SiloProcess> NewSiloAsync(PostgresServer postgres) => new()
    {
        Settings = ["--Silo:States=postgres", $"--Postgres:ConnectionString={(await postgres.NewDatabaseAsync()).ConnectionString}"],
    };
}
