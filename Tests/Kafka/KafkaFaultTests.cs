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
    private static readonly TopicPartition P0 = new("t", 0);

    [Fact]
    public async Task Offsets_that_were_deleted_are_out_of_range_and_not_skipped()
    {
        await using var mock = await StartAsync(partitions: 1);
        await using var log = Open(mock);
        for (var i = 0; i < 10; i++)
            await log.AppendAsync("t", KafkaTesting.Numbered(i * 10, 10));
        await using var reader = log.ReadAsync(P0, 0, new(5, 1 << 20)).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await reader.MoveNextAsync());
        await mock.DeleteRecordsAsync("t", 0, 60);
        var error = await Assert.ThrowsAsync<OffsetOutOfRangeException>(() => log.TakeAsync(P0, 30, 1));
        Assert.Equal(new OffsetRange(60, 100), error.Range);
        Assert.Contains("The records 30 to 59 are no longer kept.", error.Message, StringComparison.Ordinal);
        Assert.Equal("60", (await log.TakeAsync(P0, 60, 1))[0].Value.Text());
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_append_waits_for_brokers_as_long_as_it_may_whatever_is_known_of_its_topic(bool isKnown)
    {
        await using var mock = await StartAsync(partitions: 1);
        await using var log = Open(mock, requestTimeout: 1, topicCache: 1);
        if (isKnown)
            await log.AppendAsync("t", [Record("k", "first")]);
        await mock.DownAsync();
        await Task.Delay(1_500, TestContext.Current.CancellationToken); // what is known of the topic becomes old
        if (isKnown)
        {
            // What an append of a client asks for before it is sent.
            Assert.Equal(new("t", 1), await log.DescribeAsync("t"));
            Assert.Null((await log.LimitsAsync("t")).Refusal(1, 1, DateTimeOffset.UnixEpoch));
        }

        var append = log.AppendAsync("t", [Record("k", "second")]).AsTask();
        await Task.WhenAny(append, Task.Delay(2_500, TestContext.Current.CancellationToken)); // longer than a question may last
        Assert.False(append.IsCompleted);
        await mock.UpAsync();
        await append;
        Assert.Equal(isKnown ? 2 : 1, (await log.ReadToEndAsync(P0)).Count);
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

    private static async Task<MockBrokers> StartAsync(int brokers = 1, int partitions = 3)
    {
        var mock = await MockBrokers.StartAsync(brokers);
        await mock.CreateTopicAsync("t", partitions, brokers);
        return mock;
    }

    private static KafkaChangeLog Open(
        MockBrokers mock, int appendTimeout = 120, int requestTimeout = 15, int linger = 1, Logged? logged = null, int topicCache = 30)
    {
        var options = KafkaCluster.Options(
            mock.BootstrapServers, appendTimeout: appendTimeout, requestTimeout: requestTimeout, topicCache: topicCache);
        options.Producer["linger.ms"] = linger.ToString(CultureInfo.InvariantCulture);
        // the mock takes the second of two requests when it refuses the first
        options.Producer["max.in.flight.requests.per.connection"] = "1";
        return KafkaChangeLog.Open(options, logged);
    }
}
