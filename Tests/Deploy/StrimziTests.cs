using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Kafka;
using ActorStreams.Tests.Kafka.Brokers;
using Confluent.Kafka.Admin;
using k8s;

namespace ActorStreams.Tests.Deploy;

/// <summary>The examples for Strimzi: a silo with the rights that they give, on real brokers that check them.</summary>
[Collection(RealBrokersCollection.Name)]
public sealed class StrimziTests
{
    private static KafkaUser User => Read<KafkaUser>("user.yaml").Single();

    [Fact]
    public void Source_topics_keep_everything_and_the_user_has_rights_on_each_by_name()
    {
        var topics = Read<KafkaTopic>("topics.yaml").ToList();
        Assert.All(topics, topic => Assert.Equal(
            ("delete", "-1", "-1"),
            (topic.Spec.Config["cleanup.policy"], topic.Spec.Config["retention.ms"], topic.Spec.Config["retention.bytes"])));
        Assert.Equal(
            topics.Select(topic => topic.Spec.TopicName).Order(),
            User.Spec.Authorization.Acls.Where(acl => acl.Resource is { Type: "topic", PatternType: "literal" })
                .Select(acl => acl.Resource.Name).Order());
        Assert.All(User.Spec.Authorization.Acls, acl => Assert.DoesNotContain("All", acl.Operations));
    }

    [Fact]
    public async Task A_silo_with_the_user_s_rights_folds_reports_its_progress_and_rebuilds()
    {
        await using var kafka = await RealKafka.StartNewAsync(1, Failing.Killed, secured: true);
        foreach (var topic in Read<KafkaTopic>("topics.yaml"))
            await kafka.CreateTopicAsync(topic.Spec.TopicName, 2);
        await kafka.Admin.CreateAclsAsync(User.Spec.Authorization.Acls.SelectMany(Bindings));
        await using var silo = new SiloProcess
        {
            Settings =
            [
                "--Silo:Log=kafka", $"--Kafka:BootstrapServers={kafka.Security!.PasswordServers}", "--Streams:DefaultPartitions=2",
                "--Kafka:Settings:security.protocol=sasl_plaintext", "--Kafka:Settings:sasl.mechanism=PLAIN",
                $"--Kafka:Settings:sasl.username={KafkaSecurity.User}", $"--Kafka:Settings:sasl.password={KafkaSecurity.Password}",
                "--Kafka:GroupCommitSeconds=1", "--Streams:CheckpointIntervalSeconds=0.5",
            ],
        };
        await silo.StartAsync();
        await silo.PlaceAsync("o", "c", 1);
        await FoldedAsync(silo);
        while (kafka.Admin.ListGroups(TimeSpan.FromSeconds(10)).Count == 0) // its progress is committed
            await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(0, await silo.StopAsync());

        silo.Launch("--rebuild", "--end");
        Assert.Equal(0, await silo.EndAsync());
        await silo.StartAsync();
        await FoldedAsync(silo);
        Assert.DoesNotContain("AuthorizationFailed", silo.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("not authorized", silo.Output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Allow this user", silo.Output, StringComparison.Ordinal);
    }

    private static async Task FoldedAsync(SiloProcess silo)
    {
        while ((await silo.GetAsync("api/views/spend/c")) is { Status: not System.Net.HttpStatusCode.OK })
            await Task.Delay(50, TestContext.Current.CancellationToken);
    }

    private static IEnumerable<AclBinding> Bindings(KafkaUserAcl acl) => acl.Operations.Select(operation => new AclBinding
    {
        Pattern = new()
        {
            Type = Enum.Parse<ResourceType>(acl.Resource.Type, ignoreCase: true), Name = acl.Resource.Name,
            ResourcePatternType = acl.Resource.PatternType == "prefix" ? ResourcePatternType.Prefixed : ResourcePatternType.Literal,
        },
        Entry = new()
        {
            Principal = $"User:{KafkaSecurity.User}", Host = "*", Operation = Enum.Parse<AclOperation>(operation),
            PermissionType = AclPermissionType.Allow,
        },
    });

    private static IEnumerable<T> Read<T>(string file) => KubernetesYaml.LoadAllFromString(
        Repository.Read($"deploy/k8s/examples/strimzi/{file}"), CustomResources.Types, strict: true).Cast<T>();
}
