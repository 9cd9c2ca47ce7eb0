using System.Collections.Concurrent;
using ActorStreams.Definitions;
using ActorStreams.Tests.EndToEnd;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.Telemetry;

/// <summary>What a silo logs by itself, down to the finest level.</summary>
[Collection(AloneCollection.Name)]
public sealed class LogTests : EndToEndTest
{
    [Fact]
    public async Task A_stop_at_a_bad_record_is_logged_by_its_place_and_nothing_is_logged_of_keys_and_values()
    {
        using var logged = new Kept();
        await using var silo = new HostedSilo
        {
            Define = topology => topology.AddEntity<Meter>(meter => meter.OnBadRecord(BadRecords.Stop).WithPartitions(1)),
            Configure = builder =>
            {
                builder.Logging.SetMinimumLevel(LogLevel.Trace);
                builder.Logging.AddFilter("ActorStreams", LogLevel.Trace);
                builder.Logging.AddProvider(logged);
            },
        };
        await silo.StartAsync();
        using var client = await silo.ConnectAsync(overOrleans: false);
        await UntilAsync(() => client.IsReadyAsync(), "ready");
        await client.AppendAsync(
            "meter", [new() { Key = "secret-key", Value = new Read(1) }, new() { Key = "secret-key", Value = "secret-value" }]);
        await UntilAsync(
            () => Task.FromResult(logged.Entries.Any(entry => entry.Text.Contains("stops before", StringComparison.Ordinal))),
            "the partition's stop");

        var stop = Assert.Single(logged.Entries, entry => entry.Text.Contains("stops before", StringComparison.Ordinal));
        Assert.Equal("meter", stop.Fields["Topic"]);
        Assert.Equal(0, stop.Fields["Partition"]);
        Assert.Equal(1L, stop.Fields["Offset"]);
        Assert.Equal("bad_value", stop.Fields["Fault"]);
        await silo.StopAsync();
        Assert.All(logged.Entries, entry => Assert.DoesNotContain("secret", entry.Text, StringComparison.Ordinal));
    }

    /// <summary>Keeps what our own categories log.</summary>
    private sealed class Kept : ILoggerProvider
    {
        internal ConcurrentQueue<(string Text, Dictionary<string, object?> Fields)> Entries { get; } = new();

        public ILogger CreateLogger(string categoryName) =>
            new Logger(this, categoryName.StartsWith("ActorStreams", StringComparison.Ordinal));

        public void Dispose()
        {
        }

        private sealed class Logger(Kept kept, bool isOurs) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => isOurs;

            public void Log<TState>(
                LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (isOurs)
                    kept.Entries.Enqueue(
                        ($"{formatter(state, exception)} {exception}", state is IEnumerable<KeyValuePair<string, object?>> fields
                            ? fields.ToDictionary()
                            : []));
            }
        }
    }
}
