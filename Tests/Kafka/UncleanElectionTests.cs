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
        await kafka.SignalAsync(1, "KILL");
        await kafka.UpAsync(2);

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
}
