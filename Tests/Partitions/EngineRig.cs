using System.Diagnostics.Metrics;
using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.Partitions;
using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorStreams.Tests.Partitions;

/// <summary>Real runners on an in-memory log and store with faults: an entity of amounts, and a view of their sum.</summary>
internal sealed class EngineRig : IAsyncDisposable
{
    private readonly ServiceProvider _provider = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly List<PartitionRunner> _runners = [];
    private readonly StreamsMetrics _metrics;

    internal EngineRig(StreamsOptions? options = null, TimeProvider? time = null, BadRecords badRecords = BadRecords.SetAside)
    {
        var topology = new TopologyBuilder { Application = "app", DefaultPartitions = 1 };
        Topology = topology.AddEntity<Purse>(purse => purse.OnBadRecord(badRecords))
            .AddView<Wealth>(wealth => wealth.OnBadRecord(badRecords)).Build();
        _metrics = new(_provider.GetRequiredService<IMeterFactory>(), Topology, Log, time ?? TimeProvider.System);
        options ??= new() { CheckpointIntervalSeconds = 0.02, MinRetrySeconds = 0.02, MaxRetrySeconds = 0.2 };
        Services = new(Topology, Log, Store, options, time ?? TimeProvider.System, _metrics, NullLogger.Instance);
    }

    internal Topology Topology { get; }

    internal FaultyLog Log { get; } = new();

    internal FaultyStore Store { get; } = new();

    internal PartitionServices Services { get; }

    /// <summary>A total of which the view throws.</summary>
    internal const int TooMuch = 1_000;

    internal static CancellationToken Stop => TestContext.Current.CancellationToken;

    internal async Task CreateTopicsAsync()
    {
        await Log.CreateTopicAsync("purse", 1);
        await Log.CreateTopicAsync(Topology.Of<Wealth>().Topic, 1);
        await Log.CreateTopicAsync(Topology.DeadLetterTopic, 1);
    }

    internal PartitionRunner Start<TState>()
    {
        var runner = new PartitionRunner(Services, Topology.Of<TState>(), 0);
        _runners.Add(runner);
        runner.Start();
        return runner;
    }

    internal async Task AppendAsync(string key, params int[] amounts) => await Log.AppendAsync(
        "purse",
        [
            .. amounts.Select(
                amount => new NewRecord
                {
                    Partition = 0, Timestamp = 1, Key = Encoding.UTF8.GetBytes(key),
                    Value = Encoding.UTF8.GetBytes($"{{\"amount\":{amount}}}"),
                }),
        ]);

    /// <summary>Waits for a condition; a checkpoint, which nobody waits for in the product, gives no signal.</summary>
    internal static async Task UntilAsync(PartitionRunner runner, Func<bool> reached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var next = runner.Advanced.Next;
            if (reached())
                return;
            await Task.WhenAny(next, Task.Delay(10, limit.Token));
            limit.Token.ThrowIfCancellationRequested();
        }
    }

    public async ValueTask DisposeAsync()
    {
        (Log.AppendFault, Store.Fault, Store.WriteFault) = ((_, _) => null, null, _ => null);
        foreach (var runner in _runners)
            await runner.DisposeAsync();
        await _provider.DisposeAsync();
    }

    internal sealed record Paid(int Amount);

    internal sealed record Purse(int Total) : IEntity<Purse, Paid>
    {
        public static Purse? Apply(Purse? state, in Record<Paid> record) => new((state?.Total ?? 0) + record.Value.Amount);
    }

    internal sealed record Wealth(int Total) : IView<Wealth, Purse>
    {
        public static IEnumerable<string> KeysOf(string key, Purse source) => ["all"];

        public static Wealth? Apply(Wealth? state, in Change<Purse> change) => new((state?.Total ?? 0) + change.Sum(RichOf));

        private static int RichOf(Purse purse) =>
            purse.Total == TooMuch ? throw new InvalidOperationException("Nobody has so much.") : purse.Total;
    }
}
