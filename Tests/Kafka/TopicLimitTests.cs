using ActorStreams.Kafka;
using ActorStreams.Log;
using ActorStreams.Tests.Kafka.Brokers;
using ActorStreams.Tests.Log;
using Confluent.Kafka;
using static ActorStreams.Tests.Log.LogTesting;

namespace ActorStreams.Tests.Kafka;

/// <summary>Topics that others made, with the limits that stock brokers give them or with narrower ones.</summary>
[Collection(RealBrokersCollection.Name)]
public sealed class TopicLimitTests : IAsyncLifetime
{
    private RealKafka _kafka = null!;

    private static long FarAhead => DateTimeOffset.UtcNow.AddHours(3).ToUnixTimeMilliseconds();

    public async ValueTask InitializeAsync() => _kafka = await RealKafka.SharedAsync(1);

    public ValueTask DisposeAsync() => default;

    [Fact]
    public async Task A_record_stamped_too_far_ahead_is_refused_alone()
    {
        var (topic, other) = (await TopicAsync(), await TopicAsync());
        await using var log = Open();
        var healthy = Enumerable.Range(0, 300)
            .Select(i => log.AppendAsync(i % 2 == 0 ? topic : other, KafkaTesting.Numbered(i, 1)).AsTask()).ToList();
        var bad = log.AppendAsync(topic, [Record("k", "early", timestamp: FarAhead)]).AsTask();
        healthy.AddRange(
            Enumerable.Range(300, 300).Select(i => log.AppendAsync(i % 2 == 0 ? topic : other, KafkaTesting.Numbered(i, 1)).AsTask()));
        var error = await Assert.ThrowsAsync<ArgumentException>(() => bad);
        Assert.Contains("takes none after", error.Message, StringComparison.Ordinal);
        await Task.WhenAll(healthy);
        Assert.InRange((await log.LimitsAsync(topic)).MaxAheadMilliseconds!.Value, 3_000_000, 3_600_000);
    }

    [Fact]
    public async Task A_record_that_brokers_refuse_since_the_limits_cannot_be_read_fails_alone_and_in_order()
    {
        var logged = new Logged();
        var (topic, other) = (await TopicAsync(), await TopicAsync());
        await using var log = Open(logged, checks: false);
        var before = Enumerable.Range(0, 100).Select(i => log.AppendAsync(i % 2 == 0 ? topic : other, KafkaTesting.Numbered(i, 1)).AsTask())
            .ToList();
        var bad = log.AppendAsync(topic, [Record("k", "early", timestamp: FarAhead)]).AsTask();
        var after = Enumerable.Range(100, 100)
            .Select(i => log.AppendAsync(i % 2 == 0 ? topic : other, KafkaTesting.Numbered(i, 1)).AsTask()).ToList();
        await Assert.ThrowsAsync<LogUnavailableException>(() => bad);
        await Task.WhenAll(before.Concat(after));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i * 2}"), (await log.ReadToEndAsync(new(topic, 0))).Values());
        Assert.Contains(
            "doubtful producer is given up",
            Assert.Single(logged.Warnings, w => w.Contains("given up", StringComparison.Ordinal)),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_the_engine_writes_is_taken_whatever_its_time(bool checks)
    {
        var topic = await TopicAsync();
        await using var log = Open(checks: checks);
        foreach (var timestamp in new[] { FarAhead, -5, long.MaxValue, 1 })
            await log.AppendOwnAsync(topic, [Record("k", $"{timestamp}", timestamp)]);
        var read = await log.ReadToEndAsync(new(topic, 0));
        Assert.Equal(4, read.Count);
        Assert.InRange(read[0].Timestamp, DateTimeOffset.UtcNow.AddMinutes(50).ToUnixTimeMilliseconds(), FarAhead - 3_600_000);
        Assert.Equal(1, read[1].Timestamp);
    }

    [Theory]
    [InlineData(200_000)]
    [InlineData(100_000)]
    public async Task Batches_fit_the_topics_own_limit(int limit)
    {
        var topic = await TopicAsync(("max.message.bytes", $"{limit}"));
        await using var log = Open();
        var random = new Random(1);
        await log.AppendAsync(topic, [.. Enumerable.Range(0, 5_000).Select(_ => Noise(random, 1_000))]);
        await log.AppendOwnAsync(topic, [.. Enumerable.Range(0, 500).Select(_ => Noise(random, 1_000))]);
        var most = (await log.LimitsAsync(topic)).MaxRecordBytes;
        await log.AppendAsync(topic, [Noise(random, most)]);
        var error = await Assert.ThrowsAsync<ArgumentException>(
            async () => await log.AppendAsync(topic, [Noise(random, 10), Noise(random, limit)]));
        Assert.Contains($"max.message.bytes is {limit}", error.Message, StringComparison.Ordinal);
        Assert.Equal(5_501, (await log.ReadToEndAsync(new(topic, 0))).Count);
    }

    [Fact]
    public async Task A_limit_that_is_lowered_while_the_log_is_open_is_heeded()
    {
        var topic = await TopicAsync();
        await using var log = Open(topicCache: 1);
        var random = new Random(1);
        await log.AppendAsync(topic, [Noise(random, 1_000)]);
        await _kafka.ConfigureTopicAsync(topic, "max.message.bytes", "50000");
        while ((await log.LimitsAsync(topic)).MaxBatchBytes != 50_000)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        await log.AppendAsync(topic, [.. Enumerable.Range(0, 500).Select(_ => Noise(random, 1_000))]);
        Assert.Equal(501, (await log.ReadToEndAsync(new(topic, 0))).Count);
    }

    [Fact]
    public async Task A_compacted_source_is_refused_and_one_that_forgets_is_warned_of()
    {
        var logged = new Logged();
        await using var log = Open(logged);
        var compacted = await TopicAsync(("cleanup.policy", "compact"));
        var error = await Assert.ThrowsAsync<TopicMismatchException>(async () => await log.CheckSourceAsync(compacted));
        Assert.Contains("cleanup.policy=compact", error.Message, StringComparison.Ordinal);
        var stock = await TopicAsync(("retention.ms", "604800000"));
        await log.CheckSourceAsync(stock);
        await log.CheckSourceAsync(stock);
        Assert.Contains("retention.ms=604800000", Assert.Single(logged.Warnings), StringComparison.Ordinal);
        await log.CheckSourceAsync(await TopicAsync(("retention.ms", "-1")));
        Assert.Single(logged.Warnings);
    }

    private static NewRecord Noise(Random random, int bytes)
    {
        var value = new byte[bytes];
        random.NextBytes(value);
        return new() { Partition = 0, Timestamp = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), Value = value };
    }

    private KafkaChangeLog Open(Logged? logged = null, bool checks = true, int topicCache = 30) =>
        KafkaChangeLog.Open(KafkaCluster.Options(_kafka.BootstrapServers, isReal: checks, topicCache: topicCache), logged);

    private async Task<string> TopicAsync(params (string Name, string Value)[] settings)
    {
        var topic = $"t{Guid.NewGuid():N}";
        await _kafka.CreateTopicAsync(topic, 1);
        foreach (var (name, value) in settings)
            await _kafka.ConfigureTopicAsync(topic, name, value);
        return topic;
    }
}
