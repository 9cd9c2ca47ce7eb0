using ActorStreams.Log;
using ActorStreams.Tests.Log;
using CsCheck;

namespace ActorStreams.Tests.Kafka;

public sealed class KafkaContractTests(KafkaCluster cluster) : ChangeLogContract, IClassFixture<KafkaCluster>
{
    // Kafka has no times before 1.
    protected override Gen<long> GenTimestamp => Gen.OneOf(Gen.Long[1, 50], Gen.Long[1, 253_402_300_799_999]);

    // The mock always answers the end.
    protected override bool FindsByTime => KafkaCluster.IsReal;

    protected override int RandomLogs => 6;

    protected override Task<IChangeLog> OpenAsync() => Task.FromResult<IChangeLog>(cluster.Open());

    protected override string NameOf(IChangeLog log, string topic) => ((PrefixedLog)log).NameOf(topic);
}
