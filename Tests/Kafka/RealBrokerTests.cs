using ActorStreams.Builds;
using ActorStreams.Grains.Builds;
using ActorStreams.Grains.Setup;
using Microsoft.Extensions.Logging.Abstractions;
using ActorStreams.Definitions;
using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Tests.Kafka.Brokers;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using static ActorStreams.Tests.Log.LogTesting;
using static ActorStreams.Tests.Topics.SourceTopicTests;

namespace ActorStreams.Tests.Kafka;

/// <summary>What real brokers do that a mock does not: passwords, certificates, rights, transactions and replicas.</summary>
[Collection(RealBrokersCollection.Name)]
public sealed class RealBrokerTests
{
    [Fact]
    public async Task A_wrong_password_is_named_where_people_read()
    {
        var error = await FailAsync(security => security.PasswordServers, _ => Password("not the password"));
        Assert.Contains("Local_Authentication", error.Message, StringComparison.Ordinal);
        Assert.Contains("Check the user name, the password and sasl.mechanism in Kafka:Settings.", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not the password", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_authority_is_named_where_people_read()
    {
        var error = await FailAsync(security => security.TlsServers, _ => new() { ["security.protocol"] = "ssl" });
        Assert.Contains("Local_Ssl", error.Message, StringComparison.Ordinal);
        Assert.Contains("Check ssl.ca.location in Kafka:Settings", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_known_authority_and_a_right_password_are_let_in()
    {
        var kafka = await RealKafka.SharedAsync(1);
        await using (
            var log = Open(
                kafka.Security!.TlsServers, new() { ["security.protocol"] = "ssl", ["ssl.ca.location"] = kafka.Security.CaFile }))
            Assert.NotNull(await log.ListTopicsAsync());
        await using (var log = Open(kafka.Security.PasswordServers, Password(KafkaSecurity.Password)))
            Assert.NotNull(await log.ListTopicsAsync());
    }

    [Fact]
    public async Task A_topic_that_a_user_may_not_describe_may_exist_all_the_same()
    {
        var kafka = await RealKafka.SharedAsync(1);
        var topic = $"t{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic, 1);
        await using var log = Open(kafka.Security!.PasswordServers, Password(KafkaSecurity.Password));
        var error = await Assert.ThrowsAsync<UnknownTopicException>(async () => await log.OffsetsAsync(topic));
        Assert.Contains($"Topic '{topic}' does not exist, or this user may not describe it.", error.Message, StringComparison.Ordinal);
        var creation = await Assert.ThrowsAsync<LogUnavailableException>(async () => await log.CreateTopicAsync(topic, 1));
        Assert.Contains("or this user may not describe it", creation.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_whose_settings_a_user_may_not_read_is_used_with_a_warning()
    {
        var (kafka, logged) = (await RealKafka.SharedAsync(1), new Logged());
        var topic = $"t{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic, 1);
        await GrantAsync(kafka, topic, AclOperation.Read, AclOperation.Write);
        await using var log = Open(kafka.Security!.PasswordServers, Password(KafkaSecurity.Password), logged);
        while (await log.DescribeAsync(topic) is null)
            await Task.Delay(50, TestContext.Current.CancellationToken); // brokers take rights over a little later
        await log.CheckSourceAsync(topic);
        Assert.Contains("Allow this user DescribeConfigs", Assert.Single(logged.Warnings), StringComparison.Ordinal);
        await log.AppendAsync(topic, [Record("k", "v", DateTimeOffset.UtcNow.ToUnixTimeMilliseconds())]);
        Assert.Equal(["v"], (await log.TakeAsync(new(topic, 0), 0, 1)).Values());
    }

    [Fact]
    public async Task A_rebuild_that_may_not_delete_an_input_log_changes_nothing()
    {
        var kafka = await RealKafka.SharedAsync(1);
        var name = $"t{Guid.NewGuid():N}";
        var topology = new TopologyBuilder { Application = name }.AddEntity<Leaf>(leaf => leaf.FromTopic($"{name}.leaves"))
            .AddView<Leaves>().Build();
        var input = topology.Of<Leaves>().Topic;
        await kafka.CreateTopicAsync(input, 1);
        await GrantAsync(kafka, input, AclOperation.Read);
        var store = new InMemoryStateStore();
        await using var log = Open(kafka.Security!.PasswordServers, Password(KafkaSecurity.Password));
        var builds = new LiveBuilds(topology, store, log, TimeProvider.System, NullLogger<LiveBuilds>.Instance);
        var setUp = new TopicSetup(topology, log, store, builds, TimeProvider.System);
        Assert.True(await store.WriteCatalogAsync(
            new BuildCatalog().Plan(topology.Definitions, name, DateTimeOffset.UtcNow).ToStored()));
        while (await log.DescribeAsync(input) is null)
            await Task.Delay(50, TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<TopicNotDeletableException>(() => setUp.ForgetAsync(CancellationToken.None));
        Assert.Contains($"This user may not delete '{input}'. Nothing was changed.", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, (await store.ReadCatalogAsync()).Number);
        await GrantAsync(kafka, input, AclOperation.Delete);
        while (await Xunit.Record.ExceptionAsync(() => setUp.ForgetAsync(CancellationToken.None)) is TopicNotDeletableException)
            await Task.Delay(50, TestContext.Current.CancellationToken); // brokers take rights over a little later
        Assert.Empty(builds.Catalog.Builds);
        Assert.DoesNotContain(await log.ListTopicsAsync(), topic => topic.Topic == input);
    }

    [Fact]
    public async Task A_rebuild_on_brokers_that_delete_no_topics_changes_nothing()
    {
        await using var kafka = await RealKafka.StartNewAsync(1, Failing.Killed, false, "delete.topic.enable=false");
        await kafka.CreateTopicAsync("t", 1);
        await using var log = Open(kafka.BootstrapServers, []);
        var error = await Assert.ThrowsAsync<TopicNotDeletableException>(async () => await log.CheckDeletableAsync(["t"]));
        Assert.Contains("Set delete.topic.enable=true", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_open_transaction_that_holds_readers_is_named()
    {
        var kafka = await RealKafka.SharedAsync(1);
        var topic = $"t{Guid.NewGuid():N}";
        await kafka.CreateTopicAsync(topic, 1);
        await using var log = Open(kafka.BootstrapServers, []);
        await log.AppendAsync(topic, KafkaTesting.Numbered(0, 3));
        using var producer = new ProducerBuilder<string, string>(
            new ProducerConfig { BootstrapServers = kafka.BootstrapServers, TransactionalId = $"tx-{Guid.NewGuid():N}" }).Build();
        producer.InitTransactions(TimeSpan.FromSeconds(20));
        producer.BeginTransaction();
        await producer.ProduceAsync(
            new Confluent.Kafka.TopicPartition(topic, 0), new() { Key = "k", Value = "undecided" }, TestContext.Current.CancellationToken);
        await log.AppendAsync(topic, KafkaTesting.Numbered(3, 2));

        var partition = new ActorStreams.Log.TopicPartition(topic, 0);
        var reading = log.TakeAsync(partition, 0, 6);
        while (log.HeldAt(partition) is null)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.Equal(3, log.HeldAt(partition)!.Value.Offset);
        Assert.InRange(log.HeldAt(partition)!.Value.Since, DateTimeOffset.UtcNow.AddMinutes(-2), DateTimeOffset.UtcNow);
        Assert.False(reading.IsCompleted);
        Assert.Equal(3, (await log.OffsetsAsync(topic))[0].End);
        Assert.Equal(6, (await log.WrittenEndsAsync(topic))[0]);
        producer.CommitTransaction();
        Assert.Equal(["0", "1", "2", "undecided", "3", "4"], (await reading).Values());
    }

    [Fact]
    public async Task Own_topics_have_as_many_replicas_as_brokers_allow_and_fewer_are_warned_of()
    {
        var (kafka, logged) = (await RealKafka.SharedAsync(3), new Logged());
        await using var log = Open(kafka.BootstrapServers, [], logged);
        var (own, poor, risky) = ($"t{Guid.NewGuid():N}", $"t{Guid.NewGuid():N}", $"t{Guid.NewGuid():N}");
        await log.CreateTopicAsync(own, 1);
        var described = (await kafka.Admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([own]))).TopicDescriptions[0];
        Assert.Equal(3, described.Partitions[0].Replicas.Count);
        var settings = await kafka.Admin.DescribeConfigsAsync([new() { Type = ResourceType.Topic, Name = own }]);
        Assert.Equal("2", settings[0].Entries["min.insync.replicas"].Value);
        Assert.Empty(logged.Warnings);

        await kafka.CreateTopicAsync(poor, 1, replication: 1);
        await log.CreateTopicAsync(poor, 1);
        Assert.Contains("replication factor 1 on 3 brokers", Assert.Single(logged.Warnings), StringComparison.Ordinal);
        await kafka.CreateTopicAsync(risky, 1, replication: 3);
        await log.CreateTopicAsync(risky, 1);
        Assert.Contains("min.insync.replicas=1", logged.Warnings.Last(), StringComparison.Ordinal);
    }

    private static Task GrantAsync(RealKafka kafka, string topic, params AclOperation[] operations) =>
        kafka.Admin.CreateAclsAsync(operations.Select(operation => new AclBinding
        {
            Pattern = new() { Type = ResourceType.Topic, Name = topic, ResourcePatternType = ResourcePatternType.Literal },
            Entry = new()
            {
                Principal = $"User:{KafkaSecurity.User}", Host = "*", Operation = operation, PermissionType = AclPermissionType.Allow,
            },
        }));

    private static Dictionary<string, string> Password(string password) => new()
    {
        ["security.protocol"] = "sasl_plaintext",
        ["sasl.mechanism"] = "PLAIN",
        ["sasl.username"] = KafkaSecurity.User,
        ["sasl.password"] = password,
    };

    private static async Task<LogUnavailableException> FailAsync(
        Func<KafkaSecurity, string> servers, Func<KafkaSecurity, Dictionary<string, string>> settings)
    {
        var security = (await RealKafka.SharedAsync(1)).Security!;
        await using var log = Open(servers(security), settings(security), requestTimeout: 3);
        return await Assert.ThrowsAsync<LogUnavailableException>(async () => await log.ListTopicsAsync());
    }

    private static KafkaChangeLog Open(string servers, Dictionary<string, string> settings, Logged? logged = null, int requestTimeout = 15)
    {
        var options = KafkaCluster.Options(servers, isReal: true, requestTimeout: requestTimeout);
        foreach (var (name, value) in settings)
            options.Settings[name] = value;
        return KafkaChangeLog.Open(options, logged);
    }
}
