using ActorStreams.Tests.Cluster;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Storage.Postgres;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class SecureClusterTests : EndToEndTest
{
    private const int Partitions = 4;

    [Fact]
    public async Task Silos_with_certificates_form_a_cluster_and_a_rogue_that_may_even_write_the_membership_does_not_get_in()
    {
        using var authority = new TestAuthority();
        using var foreign = new TestAuthority();
        await using var cluster = await SiloCluster.StartAsync(SameAnswersTests.Topics(Partitions, Partitions));
        var certificate = Settings(authority.Issue("silo", ["actorstreams-silo"]), authority.CaFile);
        var (first, second) = (cluster.NewSilo(), cluster.NewSilo());
        await Task.WhenAll(first.StartAsync(certificate), second.StartAsync(certificate));
        await UntilAsync(async () => await ActiveAsync(cluster) == 2, "two silos");
        for (var i = 0; i < 20; i++)
            await first.PlaceAsync($"o{i}", "ann", 1);
        await UntilAsync(async () => await SpendAsync(second) == 20, "what was appended at one silo is read at the other");

        // Rogues that know the database, the brokers and the addresses.
        foreach (var settings in new[] { [], Settings(foreign.Issue("rogue", ["actorstreams-silo"]), foreign.CaFile) })
        {
            var rogue = cluster.NewSilo();
            rogue.Launch(settings);
            await UntilAsync(
                () => Task.FromResult(first.Output.Contains("is refused:", StringComparison.Ordinal)
                    || second.Output.Contains("is refused:", StringComparison.Ordinal) || !rogue.Runs), "a refusal");
            await Task.Delay(5_000);
            Assert.False(await rogue.Client.IsReadyAsync(), "The rogue silo is ready.");
            Assert.Equal(2, await ActiveAsync(cluster));
            if (rogue.Runs)
                await rogue.KillAsync();
        }

        await second.PlaceAsync("o20", "ann", 1);
        await UntilAsync(async () => await SpendAsync(first) == 21, "the cluster goes on");
    }

    private static string[] Settings(TestCertificate certificate, string caFile) =>
    [
        $"--Security:Silo:CertificateFile={certificate.CertificateFile}", $"--Security:Silo:KeyFile={certificate.KeyFile}",
        $"--Security:Silo:CaFile={caFile}",
    ];

    private static async Task<long> ActiveAsync(SiloCluster cluster) =>
        (long)(await PostgresServer.ExecuteAsync(cluster.Database, "SELECT count(*) FROM orleansmembershiptable WHERE status = 3"))!;

    private static async Task<int> SpendAsync(SiloProcess silo)
    {
        var answer = await silo.GetAsync("api/views/spend/ann");
        return answer.Status == System.Net.HttpStatusCode.OK ? answer.Json.GetProperty("state").GetProperty("orders").GetInt32() : 0;
    }
}
