using ActorStreams.Log;
using ActorStreams.Tests.Log;
using CsCheck;

namespace ActorStreams.Tests.Kafka;

/// <summary>What holds on every change log, on Kafka.</summary>
public abstract class KafkaContract(KafkaCluster cluster) : ChangeLogContract, IAsyncLifetime
{
    // Kafka has no times before 1.
    protected override Gen<long> GenTimestamp => Gen.OneOf(Gen.Long[1, 50], Gen.Long[1, 253_402_300_799_999]);

    // The mock always answers the end.
    protected override bool FindsByTime => cluster.IsReal;

    protected override int RandomLogs => 6;

    // The mock can neither delete topics nor give them ids.
    protected override bool KnowsIds => cluster.IsReal;

    /// <summary>Here the test is skipped where there are no brokers.</summary>
    public ValueTask InitializeAsync()
    {
        Assert.NotEmpty(cluster.BootstrapServers);
        return default;
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }

    protected override Task<IChangeLog> OpenAsync() => Task.FromResult<IChangeLog>(cluster.Open());

    protected override string NameOf(IChangeLog log, string topic) => ((PrefixedLog)log).NameOf(topic);
}

public sealed class KafkaContractTests(MockCluster cluster) : KafkaContract(cluster), IClassFixture<MockCluster>;

[Collection(RealBrokersCollection.Name)]
public sealed class KafkaContractOnOneBrokerTests(OneBroker cluster) : KafkaContract(cluster), IClassFixture<OneBroker>;

[Collection(RealBrokersCollection.Name)]
public sealed class KafkaContractOnThreeBrokersTests(ThreeBrokers cluster) : KafkaContract(cluster), IClassFixture<ThreeBrokers>;
