using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using ActorStreams.MockKafka;
using ActorStreams.Tests.Kafka.Brokers;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.Kafka;

/// <summary>
/// The brokers that the tests of a class run against: the mock cluster, or real ones. Each log has topics of its own there.
/// </summary>
public abstract class KafkaCluster : IAsyncLifetime
{
    private ITestBrokers? _brokers;

    /// <summary>True where the brokers can do all that Kafka can.</summary>
    public abstract bool IsReal { get; }

    public string BootstrapServers
    {
        get
        {
            if (IsReal)
                RealKafka.Require();
            return _brokers!.BootstrapServers;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (!IsReal || RealKafka.IsAvailable)
            _brokers = await StartAsync();
    }

    /// <summary>Real brokers are shared by all tests, and stay.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_brokers is MockBrokers mock)
            await mock.DisposeAsync();
    }

    /// <summary>Options for tests. The mock does not wake a fetch that waits, so it waits shortly.</summary>
    public static KafkaOptions Options(
        string servers,
        int buffered = 4 << 20,
        int threshold = 20_000,
        int extra = 4,
        int appendTimeout = 120,
        int requestTimeout = 15,
        int commit = 1,
        int endRefresh = 1,
        bool isReal = false,
        int topicCache = 30) => new()
        {
            BootstrapServers = servers,
            MaxBufferedBytesPerPartition = buffered,
            ReplayThresholdRecords = threshold,
            MaxExtraConsumers = extra,
            AppendTimeoutSeconds = appendTimeout,
            RequestTimeoutSeconds = requestTimeout,
            GroupCommitSeconds = commit,
            EndRefreshSeconds = endRefresh,
            TopicCacheSeconds = topicCache,
            ChecksTopicSettings = isReal,
            Consumer = { ["fetch.wait.max.ms"] = isReal ? "100" : "5" },
            Producer = { ["linger.ms"] = "1" },
            Settings = { ["topic.metadata.refresh.fast.interval.ms"] = "50", ["reconnect.backoff.max.ms"] = "200" },
        };

    /// <summary>A log whose topics have a prefix of their own.</summary>
    public PrefixedLog Open(KafkaOptions? options = null, ILoggerFactory? loggers = null) =>
        new(KafkaChangeLog.Open(options ?? Options(BootstrapServers, isReal: IsReal), loggers), $"t{Guid.NewGuid():N}.", CreateAsync);

    protected abstract Task<ITestBrokers> StartAsync();

    /// <summary>The mock has no request that creates a topic.</summary>
    private async Task CreateAsync(string topic, int partitions, IChangeLog log)
    {
        if (IsReal || await log.DescribeAsync(topic) is not null)
            return;
        try
        {
            await _brokers!.CreateTopicAsync(topic, partitions);
        }
        catch (InvalidOperationException error) when (error.Message.Contains("TopicAlreadyExists", StringComparison.Ordinal))
        {
            // Another caller was faster.
        }
    }
}

public sealed class MockCluster : KafkaCluster
{
    public override bool IsReal => false;

    protected override async Task<ITestBrokers> StartAsync() => await MockBrokers.StartAsync();
}

public sealed class OneBroker : KafkaCluster
{
    public override bool IsReal => true;

    protected override async Task<ITestBrokers> StartAsync() => await RealKafka.SharedAsync(1);
}

public sealed class ThreeBrokers : KafkaCluster
{
    public override bool IsReal => true;

    protected override async Task<ITestBrokers> StartAsync() => await RealKafka.SharedAsync(3);
}

/// <summary>Tests on real brokers run one after the other: each lets brokers work as hard as they can.</summary>
[CollectionDefinition(Name)]
public sealed class RealBrokersCollection
{
    internal const string Name = "real brokers";
}
