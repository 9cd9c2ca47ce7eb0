using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using ActorStreams.MockKafka;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.Kafka;

/// <summary>
/// The brokers that tests run against: a mock cluster in a process of its own, or real ones where <c>ACTORSTREAMS_TEST_KAFKA</c> names them. Each log has topics of its own there.
/// </summary>
public sealed class KafkaCluster : IAsyncLifetime
{
    private static readonly string? Real = Environment.GetEnvironmentVariable("ACTORSTREAMS_TEST_KAFKA");

    private readonly List<string> _created = [];
    private MockBrokers? _mock;

    /// <summary>True where the brokers can do all that Kafka can.</summary>
    public static bool IsReal => !string.IsNullOrEmpty(Real);

    public MockBrokers Mock => _mock ?? throw new InvalidOperationException("These brokers are real.");

    public string BootstrapServers => Real ?? Mock.BootstrapServers;

    public async ValueTask InitializeAsync()
    {
        if (!IsReal)
            _mock = await MockBrokers.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_mock is not null)
        {
            await _mock.DisposeAsync();
            return;
        }

        await using var log = KafkaChangeLog.Open(Options(BootstrapServers));
        foreach (var topic in _created)
            await log.DeleteTopicAsync(topic);
    }

    /// <summary>Options for tests: the mock does not wake a fetch that waits, so it waits shortly.</summary>
    public static KafkaOptions Options(
        string servers, int buffered = 4 << 20, int threshold = 20_000, int extra = 4, int appendTimeout = 120, int requestTimeout = 15, int commit = 1, int endRefresh = 1) => new()
    {
        BootstrapServers = servers,
        MaxBufferedBytesPerPartition = buffered,
        ReplayThresholdRecords = threshold,
        MaxExtraConsumers = extra,
        AppendTimeoutSeconds = appendTimeout,
        RequestTimeoutSeconds = requestTimeout,
        GroupCommitSeconds = commit,
        EndRefreshSeconds = endRefresh,
        ChecksTopicSettings = IsReal,
        Consumer = { ["fetch.wait.max.ms"] = "5" },
        Producer = { ["linger.ms"] = "1" },
        Settings = { ["topic.metadata.refresh.fast.interval.ms"] = "50", ["reconnect.backoff.max.ms"] = "200" },
    };

    /// <summary>A log whose topics have a prefix of their own.</summary>
    public PrefixedLog Open(KafkaOptions? options = null, ILoggerFactory? loggers = null) =>
        new(KafkaChangeLog.Open(options ?? Options(BootstrapServers), loggers), $"t{Guid.NewGuid():N}.", CreateAsync);

    /// <summary>The mock has no request that creates a topic.</summary>
    private async Task CreateAsync(string topic, int partitions, IChangeLog log)
    {
        if (IsReal)
        {
            lock (_created)
                _created.Add(topic);
        }
        else if (await log.DescribeAsync(topic) is null)
        {
            try
            {
                await Mock.CreateTopicAsync(topic, partitions);
            }
            catch (InvalidOperationException error) when (error.Message.Contains("TopicAlreadyExists", StringComparison.Ordinal))
            {
                // Another caller was faster.
            }
        }
    }
}
