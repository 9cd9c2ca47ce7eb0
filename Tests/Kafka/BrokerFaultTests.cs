using ActorStreams.Kafka;
using ActorStreams.Log;
using ActorStreams.MockKafka;
using ActorStreams.Tests.Kafka.Brokers;
using ActorStreams.Tests.Log;
using static ActorStreams.Tests.Log.LogTesting;

namespace ActorStreams.Tests.Kafka;

/// <summary>Three brokers that fail, with a topic for each test.</summary>
public abstract class BrokerFaults : IAsyncLifetime
{
    private const int ConnectionDrops = -195;

    private ITestBrokers? _brokers;

    private ITestBrokers Brokers => _brokers!;

    /// <summary>Whether brokers detect what an idempotent producer sends twice. The mock does not.</summary>
    protected abstract bool DetectRepeats { get; }

    /// <summary>How long a test goes on: a fault costs more time on real brokers.</summary>
    protected abstract int Rounds { get; }

    public async ValueTask InitializeAsync() => _brokers = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_brokers is not null)
            await EndAsync(_brokers);
    }

    [Fact]
    public async Task Brokers_that_go_and_come_lose_double_and_reorder_nothing()
    {
        const int calls = 200;
        var logged = new Logged();
        var topic = await TopicAsync();
        await using var log = Open(logged);
        var reading = TakeUntilAsync(log, new(topic, 0), calls * 10);
        var appends = new List<Task>();
        for (var i = 0; i < calls; i++)
        {
            appends.Add(log.AppendAsync(topic, KafkaTesting.Numbered(i * 10, 10)).AsTask());
            if (i % 50 == 25)
            {
                await Brokers.DownAsync();
                await Task.Delay(200, TestContext.Current.CancellationToken); // an outage, not a wait for something
                await Brokers.UpAsync();
            }

            if (i % 10 == 0)
                await appends[^1];
        }

        await Task.WhenAll(appends);
        CheckNumbered(calls * 10, await reading, "outages");
        Assert.InRange(logged.Warnings.Count(), 0, 12);
    }

    [Fact]
    public async Task Errors_of_brokers_lose_double_and_reorder_nothing()
    {
        // Not leader, timed out, not enough replicas, leader not available, coordinator loading, dropped connections.
        int[] produce = [6, 7, 19, 5, ConnectionDrops, 0, 0, 0];
        int[] fetch = [6, 7, 5, 1, ConnectionDrops, 0, 0, 0];
        var calls = 50 * Rounds;
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var topic = await TopicAsync();
        await using var log = Open();
        var reading = Enumerable.Range(0, 3).Select(p => TakeUntilAsync(log, new(topic, p), calls * 5)).ToList();
        var appends = new List<Task>();
        for (var i = 0; i < calls; i++)
        {
            for (var partition = 0; partition < 3; partition++)
                appends.Add(log.AppendAsync(topic, KafkaTesting.Numbered(i * 5, 5, partition)).AsTask());
            if (i % 15 == 0)
            {
                await Brokers.PushErrorsAsync(
                    MockBrokers.Produce, Enumerable.Range(0, 6).Select(_ => produce[random.Next(produce.Length)]));
                await Brokers.PushErrorsAsync(MockBrokers.Fetch, Enumerable.Range(0, 6).Select(_ => fetch[random.Next(fetch.Length)]));
                await Brokers.SetLeaderAsync(topic, random.Next(3), random.Next(1, 4));
                await Brokers.SetRoundTripAsync(random.Next(20));
                await Task.WhenAll(appends);
            }
        }

        await Task.WhenAll(appends);
        for (var partition = 0; partition < 3; partition++)
            CheckNumbered(calls * 5, await reading[partition], $"seed {seed}, partition {partition}");
    }

    [Fact]
    public async Task Offsets_are_right_while_leaders_move_and_connections_drop()
    {
        int[] errors = [6, 7, 5, ConnectionDrops, 0, 0];
        var questions = 20 * Rounds;
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var topic = await TopicAsync();
        await using var log = Open();
        for (var partition = 0; partition < 3; partition++)
            await log.AppendAsync(topic, KafkaTesting.Numbered(0, 10 + partition, partition));
        for (var i = 0; i < questions; i++)
        {
            // No more than the next question consumes: its answer is to come in time.
            await Brokers.PushErrorsAsync(MockBrokers.ListOffsets, errors[random.Next(errors.Length)], errors[random.Next(errors.Length)]);
            if (i % 10 == 5)
                await Brokers.PushErrorsAsync(MockBrokers.Metadata, errors[random.Next(errors.Length)]);
            if (i % 10 == 0)
                await Brokers.SetLeaderAsync(topic, random.Next(3), random.Next(1, 4));
            var ranges = await log.OffsetsAsync(topic);
            Assert.True(
                ranges.SequenceEqual([new(0, 10), new(0, 11), new(0, 12)]), $"Seed {seed}, question {i}: {string.Join(' ', ranges)}");
        }
    }

    [Fact]
    public async Task A_log_that_is_closed_in_the_middle_of_its_calls_ends_no_process()
    {
        var topic = await TopicAsync();
        for (var round = 0; round < Rounds; round++)
        {
            var log = Open();
            var calls = new List<Task>();
            for (var i = 0; i < 5; i++)
            {
                calls.Add(log.OffsetsAsync(topic).AsTask());
                calls.Add(log.ListTopicsAsync().AsTask());
                calls.Add(log.OffsetAtAsync(new(topic, 1), DateTimeOffset.UnixEpoch).AsTask());
                calls.Add(log.AppendAsync(topic, KafkaTesting.Numbered(0, 3)).AsTask());
                log.ReportProgress("closed", new(topic, 0), i);
                await Brokers.PushErrorsAsync(MockBrokers.ListOffsets, ConnectionDrops);
            }

            await log.DisposeAsync();
            foreach (var call in calls)
                await call.ContinueWith(_ => { }, TaskScheduler.Default)
                    .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }
    }

    protected abstract Task<ITestBrokers> StartAsync();

    protected virtual ValueTask EndAsync(ITestBrokers started) => started.DisposeAsync();

    private async Task<string> TopicAsync()
    {
        var topic = $"t{Guid.NewGuid():N}";
        await Brokers.CreateTopicAsync(topic, 3, replication: 3);
        return topic;
    }

    private KafkaChangeLog Open(Logged? logged = null)
    {
        var options = KafkaCluster.Options(Brokers.BootstrapServers, isReal: DetectRepeats);
        if (!DetectRepeats)
            // the mock takes the second of two requests when it refuses the first
            options.Producer["max.in.flight.requests.per.connection"] = "1";
        return KafkaChangeLog.Open(options, logged);
    }

    /// <summary>Nothing is lost or reordered; and nothing is there twice, where the brokers see to that.</summary>
    private void CheckNumbered(int count, List<ChangeRecord> records, string where)
    {
        var next = 0;
        foreach (var record in records)
        {
            var value = int.Parse(record.Value.Text(), CultureInfo.InvariantCulture);
            var isRight = DetectRepeats ? value == next : value <= next;
            Assert.True(isRight, $"{where}: {value} at offset {record.Offset}, where {next} was to come.");
            next = Math.Max(next, value + 1);
        }

        Assert.True(next == count, $"{where}: {next} of {count}.");
    }

    /// <summary>All records up to the one with the last number.</summary>
    private static async Task<List<ChangeRecord>> TakeUntilAsync(KafkaChangeLog log, TopicPartition partition, int count)
    {
        var (last, records) = ($"{count - 1}", new List<ChangeRecord>());
        var batches = log.ReadAsync(partition, 0, ReadLimits.Default, cancellationToken: TestContext.Current.CancellationToken);
        await foreach (var batch in batches)
        {
            records.AddRange(batch.Records);
            if (batch.Records.Any(record => record.Value.Text() == last))
                break;
        }

        return records;
    }
}

public sealed class MockBrokerFaultTests : BrokerFaults
{
    protected override bool DetectRepeats => false;

    protected override int Rounds => 3;

    protected override async Task<ITestBrokers> StartAsync() => await MockBrokers.StartAsync(brokers: 3);
}

/// <summary>Brokers whose connections are cut, for the tests of one class.</summary>
public sealed class CutOffBrokers : IAsyncLifetime
{
    private RealKafka? _kafka;

    internal RealKafka Kafka
    {
        get
        {
            RealKafka.Require();
            return _kafka!;
        }
    }

    public async ValueTask InitializeAsync() => _kafka = RealKafka.IsAvailable ? await RealKafka.StartNewAsync(3, Failing.CutOff) : null;

    public ValueTask DisposeAsync() => _kafka?.DisposeAsync() ?? default;
}

[Collection(RealBrokersCollection.Name)]
public sealed class RealBrokerFaultTests(CutOffBrokers fixture) : BrokerFaults, IClassFixture<CutOffBrokers>
{
    protected override bool DetectRepeats => true;

    protected override int Rounds => 1;

    protected override Task<ITestBrokers> StartAsync() => Task.FromResult<ITestBrokers>(fixture.Kafka);

    protected override ValueTask EndAsync(ITestBrokers started) => default;

    [Fact]
    public async Task A_failed_append_says_which_of_its_records_are_known_to_be_there()
    {
        var topic = $"t{Guid.NewGuid():N}";
        await fixture.Kafka.CreateTopicAsync(topic, 3, replication: 3);
        for (var partition = 0; partition < 3; partition++)
            await fixture.Kafka.SetLeaderAsync(topic, partition, partition + 1);
        await using var log = KafkaChangeLog.Open(KafkaCluster.Options(fixture.Kafka.BootstrapServers, appendTimeout: 8, isReal: true));
        await log.AppendAsync(topic, KafkaTesting.Numbered(0, 1));
        await fixture.Kafka.DownAsync(2);
        var append = log.AppendAsync(topic, [.. Enumerable.Range(0, 3).SelectMany(p => KafkaTesting.Numbered(0, 100, p))]).AsTask();
        var error = await Assert.ThrowsAsync<LogUnavailableException>(() => append);
        await fixture.Kafka.UpAsync(2);
        Assert.Contains(
            "Of the append's 300 records 200 were acknowledged, and any of the others may be in the log.",
            error.Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Nothing is lost", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_of_settings_that_fails_at_first_is_made_again()
    {
        const int describeConfigs = 32;
        var topic = $"t{Guid.NewGuid():N}";
        await fixture.Kafka.CreateTopicAsync(topic, 1);
        await fixture.Kafka.ConfigureTopicAsync(topic, "cleanup.policy", "compact");
        await using var log = KafkaChangeLog.Open(KafkaCluster.Options(fixture.Kafka.BootstrapServers, isReal: true));
        await fixture.Kafka.PushErrorsAsync(describeConfigs, 1, 1);
        await Assert.ThrowsAsync<TopicMismatchException>(async () => await log.CheckSourceAsync(topic));
    }
}
