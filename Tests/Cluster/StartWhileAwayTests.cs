using System.Diagnostics;
using System.Net;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Storage.Postgres;

namespace ActorStreams.Tests.Cluster;

/// <summary>A silo whose database or brokers are away when it starts.</summary>
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
        await AssertHealthAsync(silo, "live", HttpStatusCode.OK, "\"live\"");
        await AssertHealthAsync(silo, "startup", HttpStatusCode.ServiceUnavailable, "\"starting\"");
        await AssertHealthAsync(silo, "ready", HttpStatusCode.ServiceUnavailable, "is out of reach");
        await postgres.StartAsync();
        await silo.ReadyAsync();
    }

    [Fact]
    public async Task A_silo_that_starts_while_the_brokers_are_away_answers_that_it_is_not_ready_and_why()
    {
        var operations = Ports.Free();
        await using var silo = new SiloProcess
        {
            Settings =
            [
                "--Silo:Log=kafka", "--Kafka:BootstrapServers=127.0.0.1:1", "--Kafka:RequestTimeoutSeconds=1",
                $"--Silo:OperationsPort={operations}",
            ],
        };
        silo.Launch();
        await AssertHealthAsync(silo, "ready", HttpStatusCode.ServiceUnavailable, "The topics cannot be listed");
        await AssertHealthAsync(silo, "live", HttpStatusCode.OK, "\"live\"", operations);
        Assert.Equal(0, await silo.StopAsync()); // asked to stop, it does not wait on
    }

    [Fact]
    public async Task A_silo_waits_no_longer_than_it_may()
    {
        await using var postgres = await PostgresServer.StartNewAsync();
        await using var silo = await NewSiloAsync(postgres);
        await postgres.StopAsync();
        silo.Launch("--Silo:StartWaitSeconds=6");
        await AssertHealthAsync(silo, "ready", HttpStatusCode.ServiceUnavailable, "is out of reach");
        Assert.Equal(1, await silo.EndAsync());
        Assert.StartsWith("The silo cannot start. PostgreSQL at ", silo.Errors, StringComparison.Ordinal);
    }

    /// <summary>Waits until the path answers so; before the silo listens it is refused.</summary>
    private static async Task AssertHealthAsync(SiloProcess silo, string path, HttpStatusCode status, string says, int? port = null)
    {
        var url = new UriBuilder(silo.Url) { Path = $"/health/{path}", Port = port ?? silo.Url.Port }.Uri;
        for (var since = Stopwatch.GetTimestamp(); ;)
        {
            var found = "refused";
            try
            {
                using var response = await silo.Http.GetAsync(url, TestContext.Current.CancellationToken);
                found = $"{response.StatusCode} {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}";
                if (response.StatusCode == status && found.Contains(says, StringComparison.Ordinal))
                    return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            Assert.True(
                silo.Runs && Stopwatch.GetElapsedTime(since).TotalSeconds < 60, $"/health/{path}: {found}\n{silo.Output}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<SiloProcess> NewSiloAsync(PostgresServer postgres) => new()
    {
        Settings = ["--Silo:States=postgres", $"--Postgres:ConnectionString={(await postgres.NewDatabaseAsync()).ConnectionString}"],
    };
}
