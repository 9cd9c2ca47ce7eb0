using System.Diagnostics;
using System.Net;
using ActorStreams.Client.Calls;
using ActorStreams.Client;
using ActorStreams.Protocol;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Evolution;

/// <summary>
/// A random life of one silo: kills, deployments forth and back, rebuilds, cutovers, rollbacks, retirements, and source topics that are
/// made again, each perhaps cut short by a kill, while records come in. Whenever it has come to rest, every state is what a batch gives.
/// </summary>
internal sealed class Schedule : IAsyncDisposable
{
    private const int FirstBatches = 60;
    private const int MaxTurned = 3;
    private static readonly string[] Datasets = ["sale", "customer", "spend", "tier", "board", "summary", "profile"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Random _random;
    private readonly SiloProcess _silo = EvolvingSilo.New();
    private readonly SalesFeed _feed;
    private readonly List<string> _steps = [];
    private readonly long _begin = Stopwatch.GetTimestamp();
    private Deployment _deployment = new(0);
    private Deployment _before = new(0);
    private TimeSpan _lastStart = TimeSpan.FromSeconds(2);

    internal Schedule(int seed)
    {
        _random = new(seed);
        _feed = new(() => _silo.Client, new(_random.Next()));
    }

    /// <summary>States that were compared with those of a batch.</summary>
    internal int Compared { get; private set; }

    /// <summary>Those of them that were others.</summary>
    internal int Differences { get; private set; }

    internal int Records => _feed.Records;

    internal string Steps => string.Join("; ", _steps);

    internal string Output => _silo.Output;

    internal async Task RunAsync()
    {
        await using (var log = new StoppedLog(_silo.Data))
            await _feed.PrepareAsync(log.Log, FirstBatches);
        await StartAsync();
        _feed.Begin();
        for (var steps = _random.Next(3, 7); steps > 0; steps--)
        {
            await StepAsync();
            await Task.Delay(_random.Next(300));
            if (_random.Next(5) == 0)
                await CheckAsync();
        }

        await CheckAsync();
    }

    private void Note(string step) => _steps.Add(string.Create(
        CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_begin).TotalSeconds:0.0} {step}"));

    public async ValueTask DisposeAsync()
    {
        await _feed.DisposeAsync();
        await _silo.DisposeAsync();
    }

    private async Task StepAsync()
    {
        var dataset = Datasets[_random.Next(Datasets.Length)];
        switch (_random.Next(14))
        {
            case 0:
                await EndAsync(isKilled: true);
                await StartAsync();
                break;
            case 1 or 2 or 3:
                await DeployAsync(NextDeployment());
                break;
            case 4 or 5:
                await DeployAsync(_before);
                break;
            case 6:
                await CutShortAsync(NextDeployment());
                break;
            case 7 or 8:
                await CallAsync($"rebuild {dataset}", builds => builds.RebuildAsync(dataset));
                break;
            case 9:
                await CallAsync("cutover", builds => builds.CutoverAsync(_random.Next(2) == 0 ? null : dataset));
                break;
            case 10:
                await CallAsync($"rollback {dataset}", builds => builds.RollbackAsync(dataset));
                break;
            case 11:
                await RetireAsync();
                break;
            case 12:
                await CutShortAsync(_deployment, "--rebuild");
                break;
            case 13:
                await MakeAgainAsync(_random.Next(2) == 0 ? Deployment.Customers : Deployment.Sales);
                break;
        }
    }

    private Deployment NextDeployment() => _deployment.With(
    [
        .. Enumerable.Range(0, _random.Next(1, MaxTurned + 1)).Select(_ => (Deployment.Difference)_random.Next(Deployment.Differences))
            .Distinct(),
    ]);

    private async Task DeployAsync(Deployment next)
    {
        await EndAsync(isKilled: _random.Next(2) == 0);
        (_before, _deployment) = (_deployment, next);
        await StartAsync();
    }

    /// <summary>A start that is killed at any moment, and the ordinary start after it.</summary>
    private async Task CutShortAsync(Deployment next, params string[] settings)
    {
        await EndAsync(isKilled: false);
        if (next != _deployment)
            (_before, _deployment) = (_deployment, next);
        var life = _lastStart * (0.2 + (_random.NextDouble() * 1.2));
        Note(string.Create(
            CultureInfo.InvariantCulture, $"{string.Join(' ', settings)} {_deployment} for {life.TotalSeconds:0.00} s"));
        _silo.Launch([EvolvingSilo.Argument(_deployment), .. settings]);
        await Task.Delay(life);
        Assert.True(_silo.Runs, "The silo ended by itself.");
        await _silo.KillAsync();
        if (_random.Next(2) == 0)
            (_before, _deployment) = (_deployment, _before);
        await StartAsync();
    }

    private async Task EndAsync(bool isKilled)
    {
        Note(isKilled ? "kill" : "stop");
        if (isKilled)
            await _silo.KillAsync();
        else
            Assert.Equal(0, await _silo.StopAsync());
    }

    private async Task StartAsync()
    {
        Note($"start {_deployment}");
        var begin = Stopwatch.GetTimestamp();
        await _silo.StartAsync(EvolvingSilo.Argument(_deployment));
        _lastStart = Stopwatch.GetElapsedTime(begin);
    }

    private async Task RetireAsync()
    {
        var builds = await _silo.Client.Builds.ListAsync();
        var build = builds[_random.Next(builds.Count)];
        await CallAsync($"retire {build.Dataset}@{build.Build}", client => client.RetireAsync(build.Dataset, build.Build));
    }

    private async Task MakeAgainAsync(string topic)
    {
        await _feed.PauseAsync();
        await EndAsync(isKilled: _random.Next(2) == 0);
        Note($"make {topic} again");
        _feed.Forget(topic);
        await using (var log = new StoppedLog(_silo.Data))
        {
            await log.Log.DeleteTopicAsync(topic);
            await log.Log.CreateTopicAsync(topic, Deployment.Partitions);
        }

        await StartAsync();
        _feed.Begin();
    }

    /// <summary>What is asked for may be refused, or the silo killed meanwhile.</summary>
    private async Task CallAsync(string what, Func<BuildsClient, Task> call)
    {
        Note(what);
        var calling = TryAsync(() => call(_silo.Client.Builds));
        if (_random.Next(3) > 0)
        {
            _steps[^1] += await calling;
            return;
        }

        await Task.Delay(_random.Next(250));
        await EndAsync(isKilled: true);
        await calling;
        await StartAsync();
    }

    private static async Task<string> TryAsync(Func<Task> call)
    {
        try
        {
            await call();
            return "";
        }
        catch (ActorStreamsException error) when (
            error.Status is null or HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.ServiceUnavailable)
        {
            return $" ({error.Message})";
        }
    }

    private async Task CheckAsync()
    {
        Note("check");
        await _feed.PauseAsync();
        await SettleAsync();
        var live = await Rest.StatesAsync(_silo.Client, _deployment.Build());
        var builds = await _silo.Client.Builds.ListAsync();
        await using (var copy = new LogCopy(_silo.Data))
        {
            await _feed.AssertKeptAsync(copy.Log);
            var (compared, wrong) = await Rest.CompareAsync(live, _deployment.Build(), copy.Log);
            (Compared, Differences) = (Compared + compared, Differences + wrong.Count);
            Assert.True(wrong.Count == 0, $"{wrong.Count} states are wrong; the first: {string.Join("; ", wrong.Take(3))}.");
            // Nothing is left of what was retired, and nothing was set aside.
            var topics = await copy.Log.ListTopicsAsync();
            Assert.Subset(
                builds.Select(build => build.Topic).ToHashSet(),
                topics.Select(topic => topic.Topic).Where(topic => topic.EndsWith(".input", StringComparison.Ordinal)).ToHashSet());
            Assert.Equal([new(0, 0)], await copy.Log.OffsetsAsync("actorstreams.dead-letters"));
        }

        _feed.Begin();
    }

    /// <summary>Waits until nothing lags and no build is underway; does what an operator would do where the silo says so.</summary>
    private async Task SettleAsync()
    {
        var begin = Stopwatch.GetTimestamp();
        while (await LackingAsync() is { } lacking)
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < Patience, $"It does not come to rest: {lacking}");
            await Task.Delay(60);
        }

        foreach (var topic in SalesFeed.Topics)
            await _silo.CaughtUpAsync(topic);
    }

    private async Task<string?> LackingAsync()
    {
        var builds = await _silo.Client.Builds.ListAsync();
        var datasets = await _silo.Client.DatasetsAsync();
        if (Rest.Stopped(builds, datasets) is { } stopped)
        {
            await CallSurelyAsync(client => client.RebuildAsync(stopped), $"rebuild {stopped}, which is stopped");
            return $"{stopped} is rebuilt";
        }

        if (builds.FirstOrDefault(build => build.Status == BuildStatus.Ready && build.CutoverByCommand) is { } held)
        {
            await CallSurelyAsync(client => client.CutoverAsync(held.Dataset), $"cutover to {held.Dataset}@{held.Build}");
            return "it was cut over";
        }

        return Rest.Lacking(builds, datasets);
    }

    private async Task CallSurelyAsync(Func<BuildsClient, Task> call, string what) =>
        Note(what + await TryAsync(() => call(_silo.Client.Builds)));
}
