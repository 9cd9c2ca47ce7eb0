using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Cluster;

public sealed class StartWhileAwayTests
{
    [Fact]
    public async Task A_silo_that_starts_while_the_database_is_away_waits_and_says_why()
    {
        await using var cluster = await SiloCluster.StartAsync(SameAnswersTests.Topics());
        await cluster.Postgres.StopAsync();
        var silo = cluster.NewSilo();
        var waits = new TaskCompletionSource<string>();
        silo.OnLine = line =>
        {
            if (line.Contains("The silo waits with its start", StringComparison.Ordinal))
                waits.TrySetResult(line);
        };
        silo.Launch();
        var reason = await waits.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Contains("is out of reach", reason, StringComparison.Ordinal);
        await cluster.Postgres.StartAsync();
        await silo.ReadyAsync();
    }

    [Fact]
    public async Task A_silo_waits_no_longer_than_it_may()
    {
        await using var cluster = await SiloCluster.StartAsync(SameAnswersTests.Topics(), "--Silo:StartWaitSeconds=2");
        await cluster.Postgres.StopAsync();
        var silo = cluster.NewSilo();
        silo.Launch();
        Assert.Equal(1, await silo.EndAsync());
        Assert.StartsWith("The silo cannot start. PostgreSQL at ", silo.Errors, StringComparison.Ordinal);
        await cluster.Postgres.StartAsync();
    }
}
