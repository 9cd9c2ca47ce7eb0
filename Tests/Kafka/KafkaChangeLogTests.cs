using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using ActorStreams.Tests.Log;
using Confluent.Kafka;
using static ActorStreams.Tests.Log.LogTesting;
using TopicPartition = ActorStreams.Log.TopicPartition;

namespace ActorStreams.Tests.Kafka;

/// <summary>What only a log on Kafka has.</summary>
public abstract class KafkaChangeLogContract(KafkaCluster cluster)
{
    private static readonly TopicPartition P0 = new("t", 0);

    [Fact]
    public async Task A_partition_that_ends_in_a_transactions_marker_is_not_one_behind_for_ever()
    {
        var options = Options();
        options.Consumer["check.crcs"] = "false"; // the mock's markers have none
        await using var log = cluster.Open(options);
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [Record("k", "before")]);
        Transact(log.NameOf("t"), commit: true, "in it");
        var end = (await log.OffsetsAsync("t"))[0].End;
        Assert.Equal(3, end); // two records and a marker
        var (next, values) = (0L, new List<string>());
        await foreach (var batch in log.ReadAsync(P0, 0, ReadLimits.Default, cancellationToken: TestContext.Current.CancellationToken))
        {
            values.AddRange(batch.Records.Values());
            next = batch.NextOffset;
            if (next == end)
                break;
        }

        Assert.Equal(["before", "in it"], values);
        await log.AppendAsync("t", [Record("k", "after")]);
        Assert.Equal(["after"], (await log.TakeAsync(P0, next, 1)).Values());
    }

    [Fact]
    public async Task Records_of_an_aborted_transaction_are_not_read()
    {
        Assert.SkipUnless(cluster.IsReal, "The mock does not tell consumers which transactions were aborted.");
        await using var log = cluster.Open();
        await log.CreateTopicAsync("t", 1);
        Transact(log.NameOf("t"), commit: false, "aborted");
        await log.AppendAsync("t", [Record("k", "after")]);
        Assert.Equal(["after"], (await log.TakeAsync(P0, 0, 1)).Values());
    }

    [Fact]
    public async Task A_new_reader_begins_where_it_was_asked_to_whatever_was_read_before()
    {
        // Readers come and go at random places, while what the client has fetched for their predecessors is still on its way.
        const int records = 20_000;
        await using var log = cluster.Open(Options(threshold: 5_000, extra: 1));
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", KafkaTesting.Numbered(0, records));
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var starts = Enumerable.Range(0, 120)
            .Select(_ => (From: random.Next(records - 1), Count: random.Next(1, 800), Limit: random.Next(1, 500))).ToList();
        await Parallel.ForEachAsync(starts, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (start, _) =>
        {
            var count = Math.Min(start.Count, records - start.From);
            var read = await log.TakeAsync(P0, start.From, count, new(start.Limit, 1 << 20));
            Assert.True(
                Enumerable.Range(start.From, read.Count).Select(i => $"{i}").SequenceEqual(read.Values()),
                $"Seed {seed}: reading {start} went wrong.");
        });
        Assert.InRange(log.Inner.Consumers, 1, 3);
    }

    [Fact]
    public async Task A_reader_that_does_not_read_is_bounded_and_holds_up_nobody()
    {
        await using var log = cluster.Open(Options(buffered: 64 << 10));
        await log.CreateTopicAsync("t", 2);
        await log.AppendAsync("t", KafkaTesting.Numbered(0, 10_000, bytes: 200));
        await using var idle = log.ReadAsync(P0, 0, ReadLimits.Default).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await idle.MoveNextAsync());
        await log.AppendAsync("t", KafkaTesting.Numbered(0, 10_000, partition: 1));

        // Another partition, and another reader of the same one, live.
        Assert.Equal(10_000, (await log.TakeAsync(new("t", 1), 0, 10_000)).Count);
        Assert.Equal(10_000, (await log.TakeAsync(P0, 0, 10_000)).Count);

        // Its own end is known all the same, and it goes on where it stood.
        await log.AppendAsync("t", [Record("k", "last")]);
        var seen = new List<string>(idle.Current.Records.Values());
        while (seen.Count < 10_001 && await idle.MoveNextAsync())
            seen.AddRange(idle.Current.Records.Values());
        Assert.Equal(Enumerable.Range(0, 10_000).Select(i => $"{i}".PadRight(200)).Append("last"), seen);
    }

    [Fact]
    public async Task The_end_of_a_partition_that_is_paused_is_asked_for()
    {
        await using var log = cluster.Open(Options(buffered: 4 << 10));
        await using var other = cluster.Open();
        Assert.Null(log.KnownEnd(P0));
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", KafkaTesting.Numbered(0, 1_000, bytes: 100));
        Assert.Equal(1_000, log.KnownEnd(P0));
        await using var idle = log.ReadAsync(P0, 0, new(10, 1 << 20)).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await idle.MoveNextAsync());
        await other.Inner.AppendAsync(log.NameOf("t"), KafkaTesting.Numbered(0, 5));
        while (log.KnownEnd(P0) != 1_005)
            await Task.Delay(20, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_long_replay_has_a_consumer_of_its_own_and_ends_at_the_tail()
    {
        const int records = 30_000;
        await using var log = cluster.Open(Options(threshold: 1_000));
        await log.CreateTopicAsync("t", 2);
        await log.AppendAsync("t", KafkaTesting.Numbered(0, records));
        await using var tail = log.ReadAsync(new("t", 1), 0, ReadLimits.Default)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var first = tail.MoveNextAsync().AsTask();
        await using var replay = log.ReadAsync(P0, 0, new(100, 1 << 20)).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        for (var next = 0L; next < records; next = replay.Current.NextOffset)
        {
            Assert.True(await replay.MoveNextAsync());
            Assert.Equal(next, replay.Current.Records[0].Offset);
            if (next == 0)
            {
                Assert.Equal(2, log.Inner.Consumers);
                await log.AppendAsync("t", [Record("k", "tail", partition: 1)]);
                Assert.True(await first);
            }
        }

        // Live at the end, where it shares the tail's consumer.
        var live = replay.MoveNextAsync().AsTask();
        await log.AppendAsync("t", [Record("k", "live")]);
        Assert.True(await live);
        Assert.Equal(["live"], replay.Current.Records.Values());
    }

    [Fact]
    public async Task Progress_is_committed_for_a_group_of_the_readers_name()
    {
        var group = $"group-{Guid.NewGuid():N}";
        await using var log = cluster.Open();
        await log.CreateTopicAsync("t", 2);
        await log.AppendAsync("t", [.. KafkaTesting.Numbered(0, 5), .. KafkaTesting.Numbered(0, 5, partition: 1)]);
        log.ReportProgress(group, P0, 3);
        log.ReportProgress(group, new("t", 1), 4);
        log.ReportProgress(group, P0, 5);
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.BootstrapServers }).Build();
        var asked = new ConsumerGroupTopicPartitions(group, [new(log.NameOf("t"), 0), new(log.NameOf("t"), 1)]);
        List<TopicPartitionOffsetError> found;
        do
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
            found = (await admin.ListConsumerGroupOffsetsAsync([asked]))[0].Partitions;
        }
        while (found.Any(p => p.Offset.Value < 0));
        Assert.Equal([5, 4], found.OrderBy(p => p.Partition.Value).Select(p => p.Offset.Value));
    }

    [Fact]
    public async Task What_Kafka_would_not_keep_as_it_is_is_refused()
    {
        await using var log = cluster.Open();
        await log.CreateTopicAsync("t", 1);
        var early = await Assert.ThrowsAsync<ArgumentException>(async () => await log.AppendAsync("t", [Record("k", "v", timestamp: 0)]));
        Assert.Contains("has the timestamp 0, but Kafka has none before 1", early.Message, StringComparison.Ordinal);
        var large = await Assert.ThrowsAsync<ArgumentException>(
            async () => await log.AppendAsync("t", [Record("k", new string('x', 1_000_000))]));
        Assert.Contains("has 1000001 bytes, but Kafka:MaxRecordBytes is 1000000", large.Message, StringComparison.Ordinal);
        await log.AppendAsync("t", [Record("k", new string('x', 999_999))]);
        Assert.Equal(999_999, Assert.Single(await log.ReadToEndAsync(P0)).Value!.Value.Length);
    }

    [Fact]
    public async Task More_than_the_producers_queue_holds_waits_its_turn()
    {
        var options = Options();
        options.Producer["queue.buffering.max.messages"] = "100";
        await using var log = cluster.Open(options);
        await log.CreateTopicAsync("t", 1);
        var appends = Enumerable.Range(0, 100).Select(i => log.AppendAsync("t", KafkaTesting.Numbered(i * 50, 50)).AsTask()).ToList();
        await Task.WhenAll(appends);
        Assert.Equal(Enumerable.Range(0, 5_000).Select(i => $"{i}"), (await log.ReadToEndAsync(P0)).Values());
    }

    [Fact]
    public async Task Closing_ends_readers_and_refuses_appends()
    {
        var log = cluster.Open();
        await log.CreateTopicAsync("t", 1);
        await log.AppendAsync("t", [Record("k", "v")]);
        await using var reader = log.ReadAsync(P0, 1, ReadLimits.Default).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var waiting = reader.MoveNextAsync().AsTask();
        var appends = Enumerable.Range(0, 20).Select(i => log.AppendAsync("t", [Record("k", $"{i}")]).AsTask()).ToList();
        await log.DisposeAsync();
        await Task.WhenAll(appends);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await waiting)
                waiting = reader.MoveNextAsync().AsTask();
        });
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await log.AppendAsync("t", [Record("k", "v")]));
    }

    private KafkaOptions Options(int buffered = 4 << 20, int threshold = 20_000, int extra = 4) =>
        KafkaCluster.Options(cluster.BootstrapServers, buffered, threshold, extra, isReal: cluster.IsReal);

    private void Transact(string topic, bool commit, string value)
    {
        using var producer = new ProducerBuilder<string, string>(
            new ProducerConfig { BootstrapServers = cluster.BootstrapServers, TransactionalId = $"tx-{Guid.NewGuid():N}" }).Build();
        producer.InitTransactions(TimeSpan.FromSeconds(20));
        producer.BeginTransaction();
        producer.Produce(new Confluent.Kafka.TopicPartition(topic, 0), new Message<string, string> { Key = "k", Value = value });
        producer.Flush(TimeSpan.FromSeconds(20));
        if (commit)
            producer.CommitTransaction();
        else
            producer.AbortTransaction();
    }
}

public sealed class KafkaChangeLogTests(MockCluster cluster) : KafkaChangeLogContract(cluster), IClassFixture<MockCluster>;

[Collection(RealBrokersCollection.Name)]
public sealed class KafkaChangeLogOnRealBrokersTests(OneBroker cluster) : KafkaChangeLogContract(cluster), IClassFixture<OneBroker>;
