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
}
