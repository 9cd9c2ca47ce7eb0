using ActorStreams.Client.Calls;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Kafka.Brokers;

namespace ActorStreams.Tests.Cluster;

/// <summary>Appends with an idempotency key, sent to two silos at once on real brokers and PostgreSQL while silos are killed.</summary>
[Collection(AloneCollection.Name)]
public sealed class IdempotencyClusterTests : EndToEndTest
{
    private const string Orders = "shop.orders";
    private static readonly int Kills = Number("KILLS", 1);

    [Fact]
    public async Task Each_append_is_one_record_though_two_silos_get_it_and_are_killed()
    {
        // A claim can be taken over after 2 * 3 + 10 + 10 s.
        await using var cluster = await SiloCluster.StartAsync(
            await RealKafka.StartNewAsync(3), SameAnswersTests.Topics(), "--Kafka:AppendTimeoutSeconds=3");
        await cluster.StartSilosAsync(2);
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 6).Select(writer => Task.Run(async () =>
        {
            var (sent, resent) = (0, 0);
            for (; !stop.IsCancellationRequested; sent++)
            {
                AppendRecord[] records = [.. Enumerable.Range(0, 3).Select(i => new AppendRecord
                {
                    Key = $"w{writer}-{sent}-{i}", Value = new { type = "placed", customer = "c", total = 1 },
                })];
                var answers = await Task.WhenAll(cluster.Silos.Select(silo => UntilSentAsync(silo, $"w{writer}-{sent}", records)));
                Assert.Equal(answers[0].Positions, answers[1].Positions);
                resent += answers.Sum(answer => answer.Failures);
            }

            return (Sent: sent, Resent: resent);
        })).ToList();
        var random = NewRandom();
        for (var kill = 0; kill < Kills; kill++)
        {
            await Task.Delay(random.Next(1_000, 4_000));
            var silo = cluster.Silos[kill % 2];
            await silo.KillAsync();
            await silo.StartAsync();
        }

        await stop.CancelAsync();
        var counts = await Task.WhenAll(writers);
        var keys = await cluster.Client.ReadRecordsAsync(Orders, limit: int.MaxValue).Select(record => record.Key!).ToListAsync();
        Print(
            $"{Kills} kills, {counts.Sum(c => c.Sent):N0} appends of 3 records to both silos, {counts.Sum(c => c.Resent):N0} failed calls");
        Assert.DoesNotContain(keys.CountBy(key => key), key => key.Value > 1);
        Assert.Equal(counts.Sum(c => c.Sent) * 3, keys.Count);
    }

    private static async Task<(IReadOnlyList<ActorStreams.Log.Position> Positions, int Failures)> UntilSentAsync(
        SiloProcess silo, string key, AppendRecord[] records)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                return (await silo.Client.AppendOnceAsync(Orders, records, key), failures);
            }
            catch (ActorStreamsException)
            {
                Assert.True(failures < 20, $"'{key}' failed {failures} times:\n{silo.Output}");
                await Task.Delay(100);
            }
        }
    }
}
