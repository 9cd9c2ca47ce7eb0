using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Client;
using ActorStreams.Definitions;
using ActorStreams.Protocol;
using ActorStreams.Tests.EndToEnd;
using Microsoft.Extensions.DependencyInjection;

namespace ActorStreams.Tests.Evolution;

/// <summary>A silo of this process that gets another deployment at each start.</summary>
internal sealed class EvolvingHost : IAsyncDisposable
{
    private readonly HostedSilo _silo = new()
    {
        Settings = EvolvingSilo.Settings, Configure = builder => builder.Services.AddSingleton(EvolvingSilo.Fold),
    };

    private bool _runs;
    private ActorStreamsClient? _client;

    internal ActorStreamsClient Client => _client!;

    internal string Data => _silo.Data;

    /// <summary>The definitions of the last start.</summary>
    internal Topology Topology
    {
        get
        {
            var topology = new TopologyBuilder();
            _silo.Define(topology);
            return topology.Build();
        }
    }

    /// <summary>Stops the silo, and starts it with other definitions.</summary>
    internal async Task DeployAsync(Action<TopologyBuilder> define)
    {
        await StopAsync();
        _silo.Define = define;
        await _silo.StartAsync();
        _runs = true;
        _client = await _silo.ConnectAsync(overOrleans: false);
        await EndToEndTest.UntilAsync(() => _client.IsReadyAsync(), "ready");
    }

    internal Task DeployAsync(params Deployment.Difference[] differences) => DeployAsync(new Deployment(0).With(differences).AddTo);

    internal async Task StopAsync()
    {
        if (!_runs)
            return;
        _runs = false;
        _client!.Dispose();
        await _silo.StopAsync();
    }

    internal Task AppendAsync(string topic, params IEnumerable<(string Key, string? Value)> records) => Client.AppendAsync(
        topic, records.Select(record => new AppendRecord
        {
            Key = record.Key, Value = record.Value is null ? null : JsonElement.Parse(record.Value),
        }));

    /// <summary>So many sales, of some customers.</summary>
    internal Task SellAsync(int from, int count, string topic = Deployment.Sales) => AppendAsync(
        topic, Enumerable.Range(from, count).Select(i => ($"s{i}", (string?)SalesFeed.Sold($"c{i % 5}", $"r{i % 3}", i))));

    /// <summary>Waits until nothing lags and no build is underway; then every state is what a batch gives.</summary>
    internal async Task ExactAsync()
    {
        string? lacking = null;
        try
        {
            await EndToEndTest.UntilAsync(
                async () => (lacking = Rest.Lacking(await Client.Builds.ListAsync(), await Client.DatasetsAsync())) is null, "rest");
        }
        catch (Exception error)
        {
            throw new TimeoutException(lacking, error);
        }

        foreach (var topic in Topology.SourceTopics)
            await Client.CaughtUpAsync(topic);
        var live = await Rest.StatesAsync(Client, Topology);
        await using var copy = new LogCopy(Data);
        var (compared, wrong) = await Rest.CompareAsync(live, Topology, copy.Log);
        Assert.Empty(wrong);
        Assert.Equal([new(0, 0)], await copy.Log.OffsetsAsync("actorstreams.dead-letters"));
        EndToEndTest.Print($"{compared} states are exact.");
    }

    /// <summary>The builds that there are, as <c>dataset@number status</c>.</summary>
    internal async Task<IReadOnlyList<string>> BuildsAsync(params string[] datasets) =>
    [
        .. (await Client.Builds.ListAsync()).Where(build => datasets.Contains(build.Dataset))
            .Select(build => $"{build.Dataset}@{build.Build} {Words.Of(build.Status)}"),
    ];

    public async ValueTask DisposeAsync()
    {
        if (_runs)
            _client!.Dispose();
        await _silo.DisposeAsync();
    }
}
