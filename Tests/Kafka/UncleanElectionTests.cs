using System.Diagnostics;
using ActorStreams.Kafka;
using ActorStreams.Log;
using ActorStreams.Tests.Kafka.Brokers;
using ActorStreams.Tests.Log;

namespace ActorStreams.Tests.Kafka;

/// <summary>
/// A broker that lacks the last records becomes the leader, since it alone is left. Appends and readers say what is known.
/// </summary>
[Collection(RealBrokersCollection.Name)]
public sealed class UncleanElectionTests
{
    [Fact]
    public async Task Records_that_an_unclean_election_lost_are_named_and_appends_go_on()
    {
        await using var kafka = await RealKafka.StartNewAsync(2);
        await kafka.CreateTopicAsync("t", 1, replication: 2);
        await kafka.ConfigureTopicAsync("t", "unclean.leader.election.enable", "true");
        await kafka.SetLeaderAsync("t", 0, 1);
        await using var log = KafkaChangeLog.Open(KafkaCluster.Options(kafka.BootstrapServers, appendTimeout: 20, isReal: true));
        await log.AppendAsync("t", KafkaTesting.Numbered(0, 300));
        await kafka.SignalAsync(2, "KILL");
        await log.AppendAsync("t", KafkaTesting.Numbered(300, 100)); // on broker 1 alone
        await kafka.SignalAsync(1, "STOP");
        int[] sizes = [40, 1, 7];
        var underWay = sizes.Select(size => log.AppendAsync("t", KafkaTesting.Numbered(2_000, size)).AsTask()).ToList();
        await kafka.SignalAsync(1, "KILL");
        await kafka.UpAsync(2);
        for (var i = 0; i < sizes.Length; i++)
            await AssertSaysWhatIsKnownAsync(underWay[i], sizes[i]);

        var appended = 0;
        for (var tries = 0; appended == 0; tries++)
        {
            try
            {
                appended = (await log.AppendAsync("t", KafkaTesting.Numbered(1_000 + tries, 1))).Count;
            }
            catch (LogUnavailableException error)
            {
                Assert.Contains("may be in the log", error.Message, StringComparison.Ordinal);
                Assert.True(tries < 5, error.Message);
            }
        }

        var range = (await log.OffsetsAsync("t"))[0];
        Assert.InRange(range.End, 301, 399);
        var lost = await Assert.ThrowsAsync<OffsetOutOfRangeException>(() => log.TakeAsync(new("t", 0), 400, 1));
        Assert.Contains("or it lost records", lost.Message, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}"), (await log.ReadToEndAsync(new("t", 0))).Take(300).Values());
    }

    /// <summary>An append that fails, be it the first or a later one, says how many of its own records may be there.</summary>
    private static async Task AssertSaysWhatIsKnownAsync(Task<IReadOnlyList<Position>> append, int records)
    {
        try
        {
            Assert.Equal(records, (await append).Count);
        }
        catch (LogUnavailableException error)
        {
            Assert.Matches(
                records == 1
                    ? @"(The append's record may be in the log|None of the append's records was sent)\.$"
                    : $@"(Any of the append's {records} records may be in the log\."
                        + $@"|Of the append's {records} records \d+ were acknowledged, and any of the others may be in the log\."
                        + @"|None of the append's records was sent\.)( The last \d+ were not sent\.)?$",
                error.Message);
        }
    }

    [Fact]
    public async Task A_position_of_lost_records_is_none_of_the_log_that_has_grown_past_it()
    {
        await using var kafka = await RealKafka.StartNewAsync(2);
        await kafka.CreateTopicAsync("t", 1, replication: 2);
        await kafka.ConfigureTopicAsync("t", "unclean.leader.election.enable", "true");
        await kafka.SetLeaderAsync("t", 0, 1);
        await using var log = KafkaChangeLog.Open(KafkaCluster.Options(kafka.BootstrapServers, appendTimeout: 20, isReal: true));
        await log.AppendAsync("t", KafkaTesting.Numbered(0, 300));
        await kafka.SignalAsync(2, "KILL");
        await log.AppendAsync("t", KafkaTesting.Numbered(300, 100)); // on broker 1 alone
        var batches = log.ReadAsync(new("t", 0), 0, ReadLimits.Default).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        LogIdentity? reached = null;
        for (var next = 0L; next < 400; (next, reached) = (batches.Current.NextOffset, batches.Current.Log))
            Assert.True(await batches.MoveNextAsync());
        Assert.True(reached is { Topic: not null, Epoch: >= 0 }, $"{reached}");
        var waiting = batches.MoveNextAsync().AsTask();

        await kafka.SignalAsync(1, "KILL");
        await kafka.UpAsync(2);
        await UncleanAsync(log, 300);
        var appended = Stopwatch.GetTimestamp();
        var running = await Assert.ThrowsAsync<LogChangedException>(async () =>
        {
            while (await waiting)
            {
                Assert.Empty(batches.Current.Records);
                waiting = batches.MoveNextAsync().AsTask();
            }
        });
        Assert.InRange(Stopwatch.GetElapsedTime(appended).TotalSeconds, 0, 30);
        await batches.DisposeAsync();
        Assert.Contains("t/0 was read up to offset 400", running.Message, StringComparison.Ordinal);

        // It is not forgotten by a later reader, nor by another process.
        Assert.InRange((await log.OffsetsAsync("t"))[0].End, 500, 1_000);
        await using var other = KafkaChangeLog.Open(KafkaCluster.Options(kafka.BootstrapServers, isReal: true));
        foreach (var reader in new[] { log, other })
        {
            var grown = await Assert.ThrowsAsync<LogChangedException>(
                async () => await reader.ReadAsync(new("t", 0), 400, ReadLimits.Default, reached).FirstAsync());
            Assert.Contains("others were written in their place", grown.Message, StringComparison.Ordinal);
        }

        // What both logs have is read on.
        Assert.Equal("299", (await other.ReadAsync(new("t", 0), 299, ReadLimits.Default, reached).FirstAsync()).Records[0].Value.Text());
    }

    /// <summary>Appends until so many records are in the log of the new leader.</summary>
    private static async Task UncleanAsync(KafkaChangeLog log, int count)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                await log.AppendAsync("t", KafkaTesting.Numbered(1_000, count));
                return;
            }
            catch (LogUnavailableException) when (tries < 10)
            {
                // The producer is given up, and another one begins.
            }
        }
    }
}
