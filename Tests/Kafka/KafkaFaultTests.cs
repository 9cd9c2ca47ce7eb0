using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using ActorStreams.MockKafka;
using ActorStreams.Tests.Log;
using static ActorStreams.Tests.Log.LogTesting;

namespace ActorStreams.Tests.Kafka;

/// <summary>What happens when brokers fail; on a mock cluster for each test.</summary>
public sealed class KafkaFaultTests
{
    private const int ConnectionDrops = -195;
    private static readonly TopicPartition P0 = new("t", 0);

    [Fact]
    public async Task Offsets_that_were_deleted_are_out_of_range_and_not_skipped()
    {
        await using var mock = await StartAsync(partitions: 1);
        await using var log = Open(mock);
        for (var i = 0; i < 10; i++)
            await log.AppendAsync("t", KafkaTesting.Numbered(i * 10, 10));
        await using var reader = log.ReadAsync(P0, 0, new(5, 1 << 20), TestContext.Current.CancellationToken).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());
        await mock.DeleteRecordsAsync("t", 0, 60);
        var error = await Assert.ThrowsAsync<OffsetOutOfRangeException>(() => log.TakeAsync(P0, 30, 1));
        Assert.Equal(new OffsetRange(60, 100), error.Range);
        Assert.Contains("The records 30 to 59 are no longer kept.", error.Message, StringComparison.Ordinal);
        Assert.Equal("60", (await log.TakeAsync(P0, 60, 1))[0].Value.Text());
    }

    [Fact]
    public async Task Brokers_that_go_and_come_lose_double_and_reorder_nothing()
    {
        const int calls = 200;
        var logged = new Logged();
        await using var mock = await StartAsync(brokers: 3);
        await using var log = Open(mock, logged: logged);
        var reading = TakeUntilAsync(log, P0, calls * 10);
        var appends = new List<Task>();
        for (var i = 0; i < calls; i++)
        {
            appends.Add(log.AppendAsync("t", KafkaTesting.Numbered(i * 10, 10)).AsTask());
            if (i % 50 == 25)
            {
                await mock.DownAsync();
                await Task.Delay(200, TestContext.Current.CancellationToken); // an outage, not a wait for something
                await mock.UpAsync();
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
        const int calls = 150;
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await using var mock = await StartAsync(brokers: 3);
        await using var log = Open(mock);
        var reading = Enumerable.Range(0, 3).Select(p => TakeUntilAsync(log, new("t", p), calls * 5)).ToList();
        var appends = new List<Task>();
        for (var i = 0; i < calls; i++)
        {
            for (var partition = 0; partition < 3; partition++)
                appends.Add(log.AppendAsync("t", KafkaTesting.Numbered(i * 5, 5, partition)).AsTask());
            if (i % 15 == 0)
            {
                await mock.PushErrorsAsync(MockBrokers.Produce, Enumerable.Range(0, 6).Select(_ => produce[random.Next(produce.Length)]));
                await mock.PushErrorsAsync(MockBrokers.Fetch, Enumerable.Range(0, 6).Select(_ => fetch[random.Next(fetch.Length)]));
                await mock.SetLeaderAsync("t", random.Next(3), random.Next(1, 4));
                await mock.SetRoundTripAsync(random.Next(20));
                await Task.WhenAll(appends);
            }
        }

        await Task.WhenAll(appends);
        for (var partition = 0; partition < 3; partition++)
            CheckNumbered(calls * 5, await reading[partition], $"seed {seed}, partition {partition}");
    }

    [Fact]
    public async Task A_producer_that_fails_for_good_fails_its_appends_and_is_replaced()
    {
        const int tooLarge = 10;
        await using var mock = await StartAsync(partitions: 1);
        await using var log = Open(mock, linger: 500); // all of them in the batch that is refused
        await log.AppendAsync("t", [Record("k", "first")]);
        await mock.PushErrorsAsync(MockBrokers.Produce, tooLarge);
        var failing = Enumerable.Range(0, 20).Select(i => log.AppendAsync("t", [Record("k", $"lost {i}")]).AsTask()).ToList();
        var errors = await Task.WhenAll(failing.Select(append => Assert.ThrowsAsync<LogUnavailableException>(() => append)));
        Assert.Contains("GaplessGuarantee", errors[0].Message, StringComparison.Ordinal);
        await log.AppendAsync("t", [Record("k", "second")]);
        Assert.Equal(["first", "second"], (await log.ReadToEndAsync(P0)).Values());
    }

    [Fact]
    public async Task An_append_that_the_brokers_do_not_take_fails_in_time_and_the_next_ones_work_again()
    {
        await using var mock = await StartAsync(partitions: 1);
        await using var log = Open(mock, appendTimeout: 1);
        await log.AppendAsync("t", [Record("k", "first")]);
        await mock.DownAsync();
        var failing = Enumerable.Range(0, 5).Select(i => log.AppendAsync("t", [Record("k", $"in the outage {i}")]).AsTask()).ToList();
        foreach (var append in failing)
            Assert.Contains(
                "Kafka:AppendTimeoutSeconds",
                (await Assert.ThrowsAsync<LogUnavailableException>(() => append)).Message,
                StringComparison.Ordinal);
        await mock.UpAsync();
        await log.AppendAsync("t", [Record("k", "second")]);
        Assert.Equal(["first", "second"], (await log.ReadToEndAsync(P0)).Values());
    }

    [Fact]
    public async Task A_reader_waits_for_brokers_that_are_not_there_yet()
    {
        await using var mock = await StartAsync(partitions: 1);
        await mock.DownAsync();
        await using var log = KafkaChangeLog.Open(KafkaCluster.Options(mock.BootstrapServers, requestTimeout: 1));
        var reading = log.TakeAsync(P0, 0, 1);
        await Assert.ThrowsAsync<LogUnavailableException>(async () => await log.OffsetsAsync("t"));
        Assert.False(reading.IsCompleted);
        await mock.UpAsync();
        await log.AppendAsync("t", [Record("k", "v")]);
        Assert.Equal(["v"], (await reading).Values());
    }

    [Fact]
    public async Task A_topic_that_cannot_be_created_here_says_what_to_create()
    {
        await using var mock = await StartAsync();
        await using var log = Open(mock, requestTimeout: 1);
        var error = await Assert.ThrowsAsync<LogUnavailableException>(async () => await log.CreateTopicAsync("missing", 7));
        Assert.Contains("Create it yourself with 7 partitions", error.Message, StringComparison.Ordinal);
        Assert.Null(await log.DescribeAsync("missing"));
    }

    [Fact]
    public async Task The_mock_keeps_more_than_it_would_by_itself()
    {
        const int records = 12_000;
        await using var mock = await StartAsync(partitions: 1);
        await using var log = Open(mock);
        var random = new Random(1);
        for (var i = 0; i < records; i += 1_000)
        {
            await log.AppendAsync("t", [.. Enumerable.Range(i, 1_000).Select(_ =>
            {
                var value = new byte[1_000];
                random.NextBytes(value);
                return new NewRecord { Partition = 0, Timestamp = 1, Key = null, Value = value };
            })]);
        }

        Assert.Equal([new(0, records)], await log.OffsetsAsync("t"));
        Assert.Equal(records, (await log.ReadToEndAsync(P0)).Count);
    }

    /// <summary>
    /// Nothing is lost or reordered. The mock looks at the sequence numbers of transactions only, not at those of idempotent
    /// producers: what it wrote and could not answer any more is
    /// written again, so a repetition here says nothing about us.
    /// </summary>
    private static void CheckNumbered(int count, List<ChangeRecord> records, string where)
    {
        var next = 0;
        foreach (var record in records)
        {
            var value = int.Parse(record.Value.Text(), CultureInfo.InvariantCulture);
            Assert.True(value <= next, $"{where}: {value} at offset {record.Offset}, where {next} was to come.");
            next = Math.Max(next, value + 1);
        }

        Assert.True(next == count, $"{where}: {next} of {count}.");
    }

    /// <summary>All records up to the one with the last number.</summary>
    private static async Task<List<ChangeRecord>> TakeUntilAsync(KafkaChangeLog log, TopicPartition partition, int count)
    {
        var (last, records) = ($"{count - 1}", new List<ChangeRecord>());
        await foreach (var batch in log.ReadAsync(partition, 0, ReadLimits.Default, TestContext.Current.CancellationToken))
        {
            records.AddRange(batch.Records);
            if (batch.Records.Any(record => record.Value.Text() == last))
                break;
        }

        return records;
    }

    private static async Task<MockBrokers> StartAsync(int brokers = 1, int partitions = 3)
    {
        var mock = await MockBrokers.StartAsync(brokers);
        await mock.CreateTopicAsync("t", partitions, brokers);
        return mock;
    }

    private static KafkaChangeLog Open(
        MockBrokers mock, int appendTimeout = 120, int requestTimeout = 15, int linger = 1, Logged? logged = null)
    {
        var options = KafkaCluster.Options(mock.BootstrapServers, appendTimeout: appendTimeout, requestTimeout: requestTimeout);
        options.Producer["linger.ms"] = linger.ToString(CultureInfo.InvariantCulture);
        // the mock takes the second of two requests when it refuses the first
        options.Producer["max.in.flight.requests.per.connection"] = "1";
        return KafkaChangeLog.Open(options, logged);
    }
}
