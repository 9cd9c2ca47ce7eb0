using ActorStreams.Client.Loading;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Cluster;

/// <summary>What the embedded silo answers, the cluster answers too.</summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class SameAnswersTests : EndToEndTest
{
    [Fact]
    public async Task Three_silos_on_Kafka_and_PostgreSQL_give_the_states_of_one_embedded_silo_for_every_key()
    {
        var input = GitInput.Instance;
        var embedded = await StartSiloAsync();
        await using var cluster = await SiloCluster.StartAsync(Topics());
        await cluster.StartSilosAsync(3);

        foreach (var silo in new[] { embedded, cluster.Silos[0] })
        {
            var loaded = await new ExactLoader(silo.Client, GitInput.Topic).LoadAsync(input.Source());
            Assert.Equal(input.Lines.Count, loaded.Records);
            Print($"{loaded.Records:N0} records{(input.IsReal ? "" : ", made up,")} loaded in {loaded.Seconds:N1} s");
            await silo.CaughtUpAsync(GitInput.Topic);
        }

        foreach (var dataset in GitInput.Datasets)
        {
            var expected = await embedded.AllAsync(dataset);
            Assert.NotEmpty(expected);
            // Whichever silo is asked.
            foreach (var silo in cluster.Silos)
                Assert.Equal(expected, await silo.AllAsync(dataset));
            Print($"{dataset}: {expected.Count:N0} states are the same");
        }
    }

    /// <summary>The mock makes no topics, so those of the stock silo's datasets are made beforehand.</summary>
    internal static IEnumerable<(string, int)> Topics(int sourcePartitions = 4, int viewPartitions = 4) =>
    [
        (GitInput.Topic, sourcePartitions), ("shop.orders", sourcePartitions), ("actorstreams.dead-letters", 1),
        ("actorstreams.leaderboard.b1.input", 1),
        .. new[] { "folder", "author", "extension", "spend" }.Select(view => ($"actorstreams.{view}.b1.input", viewPartitions)),
    ];
}
