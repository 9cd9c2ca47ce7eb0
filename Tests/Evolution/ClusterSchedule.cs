using System.Net;
using ActorStreams.Client.Calls;
using ActorStreams.Client;
using ActorStreams.Kafka.Clients;
using ActorStreams.Kafka;
using ActorStreams.Protocol;
using ActorStreams.Tests.Cluster;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Evolution;

/// <summary>
/// A random life of three silos on Kafka and PostgreSQL: kills, silos that are rolled to another deployment one by one, so that two stand
/// side by side, and back; builds by command; and topics that are deleted and made again while silos run.
/// </summary>
internal sealed class ClusterSchedule : IAsyncDisposable
{
    private const int Silos = 3;
    private const int Steps = 5;
    private const double PatienceSeconds = 120;
    private static readonly string[] Datasets = ["sale", "customer", "spend", "summary", "profile"];

    private readonly SiloCluster _cluster;
    private readonly Random _random;
    private readonly SalesFeed _feed;
    private readonly List<string> _steps = [];
    private readonly Deployment[] _running = [new(0), new(0), new(0)];
    private Deployment _deployment = new(0);
    private Deployment _before = new(0);

    internal ClusterSchedule(SiloCluster cluster, int seed)
    {
        (_cluster, _random) = (cluster, new(seed));
        _feed = new(() => _cluster.Client, new(_random.Next()));
    }

    /// <summary>States that were compared with those of a batch.</summary>
    internal int Compared { get; private set; }

    internal string Story => string.Join("; ", _steps);

    internal int Records => _feed.Records;

    internal async Task RunAsync()
    {
        for (var i = 0; i < Silos; i++)
            _cluster.NewSilo("ActorStreams.Tests.dll", EvolvingSilo.Command);
        await Task.WhenAll(Enumerable.Range(0, Silos).Select(StartAsync));
        _feed.Begin();
        for (var step = 0; step < Steps; step++)
        {
            await StepAsync();
            await Task.Delay(_random.Next(500));
        }

        await CheckAsync();
    }

    public ValueTask DisposeAsync() => _feed.DisposeAsync();

    private async Task StepAsync()
    {
        var (silo, dataset) = (_random.Next(Silos), Datasets[_random.Next(Datasets.Length)]);
        switch (_random.Next(10))
        {
            case 0 or 1:
                await RollAsync(silo, _running[silo], isKilled: true);
                break;
            case 2 or 3 or 4:
                // One of them, so that two deployments stand side by side, or all.
                (_before, _deployment) = (_deployment, _deployment.With((Deployment.Difference)_random.Next(Deployment.Differences)));
                await RollAsync(silo, _deployment, isKilled: _random.Next(2) == 0);
                if (_random.Next(2) == 0)
                    await RollAllAsync();
                break;
            case 5:
                (_before, _deployment) = (_deployment, _before);
                await RollAsync(silo, _deployment, isKilled: false);
                break;
            case 6:
                await CallAsync($"rebuild {dataset}", builds => builds.RebuildAsync(dataset));
                break;
            case 7:
                await CallAsync("cutover", builds => builds.CutoverAsync());
                break;
            case 8:
                await CallAsync($"rollback {dataset}", builds => builds.RollbackAsync(dataset));
                break;
            case 9:
                await MakeAgainAsync(_random.Next(2) == 0 ? Deployment.Customers : Deployment.Sales);
                break;
        }
    }

    private async Task StartAsync(int silo) => await _cluster.Silos[silo].StartAsync(EvolvingSilo.Argument(_running[silo]));

    private async Task RollAllAsync()
    {
        for (var silo = 0; silo < Silos; silo++)
        {
            if (_running[silo] != _deployment)
                await RollAsync(silo, _deployment, isKilled: false);
        }
    }

    private async Task RollAsync(int silo, Deployment next, bool isKilled)
    {
        _steps.Add($"{(isKilled ? "kill" : "stop")} {silo}, start {next}");
        if (isKilled)
            await _cluster.Silos[silo].KillAsync();
        else
            await _cluster.Silos[silo].StopAsync();
        _running[silo] = next;
        await StartAsync(silo);
    }

    private async Task MakeAgainAsync(string topic)
    {
        _steps.Add($"make {topic} again");
        await _feed.PauseAsync();
        await _cluster.Kafka.DeleteTopicAsync(topic);
        await Task.Delay(500);
        await _cluster.Kafka.CreateTopicAsync(topic, Deployment.Partitions, replication: 3);
        _feed.Forget(topic);
        _feed.Begin();
    }

    private async Task CallAsync(string what, Func<BuildsClient, Task> call)
    {
        try
        {
            await call(_cluster.Client.Builds);
            _steps.Add(what);
        }
        catch (ActorStreamsException error) when (
            error.Status is null or HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable)
        {
            _steps.Add($"{what} ({error.Message})");
        }
    }

    private async Task CheckAsync()
    {
        await _feed.PauseAsync();
        await RollAllAsync();
        string? lacking = null;
        try
        {
            await EndToEndTest.UntilAsync(async () => (lacking = await LackingAsync()) is null, "rest", PatienceSeconds);
        }
        catch (Exception error)
        {
            throw new TimeoutException($"It does not come to rest: {lacking}", error);
        }

        foreach (var topic in SalesFeed.Topics)
            await _cluster.Client.CaughtUpAsync(topic);
        await using var log = KafkaChangeLog.Open(new() { BootstrapServers = _cluster.Kafka.BootstrapServers });
        await _feed.AssertKeptAsync(log);
        foreach (var silo in _cluster.Silos)
        {
            var live = await Rest.StatesAsync(silo.Client, _deployment.Build());
            var (compared, wrong) = await Rest.CompareAsync(live, _deployment.Build(), log);
            Compared += compared;
            Assert.True(wrong.Count == 0, $"{wrong.Count} states are wrong; the first: {string.Join("; ", wrong.Take(3))}.");
        }
    }

    /// <summary>What is still to come; and what an operator would do where a silo says so.</summary>
    private async Task<string?> LackingAsync()
    {
        var builds = await _cluster.Client.Builds.ListAsync();
        var datasets = await _cluster.Client.DatasetsAsync();
        if (Rest.Stopped(builds, datasets) is { } stopped)
        {
            await CallAsync($"rebuild {stopped}, which is stopped", client => client.RebuildAsync(stopped));
            return $"{stopped} is rebuilt";
        }

        if (builds.FirstOrDefault(build => build.Status == BuildStatus.Ready && build.CutoverByCommand) is not { } held)
            return Rest.Lacking(builds, datasets);
        await CallAsync($"cutover to {held.Dataset}@{held.Build}", client => client.CutoverAsync(held.Dataset));
        return "it was cut over";
    }
}
