using System.Text;
using ActorStreams.Log;
using ActorStreams.Tests.EndToEnd;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Serialization.Configuration;
using Orleans.Serialization.TypeSystem;

namespace ActorStreams.Tests.Security;

/// <summary>Records that no API checked: whoever may write to the topic wrote them.</summary>
[Collection(BesideOthersCollection.Name)]
public sealed class RecordTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    [Fact]
    public async Task Poison_in_the_topic_itself_is_set_aside_and_the_partition_goes_on()
    {
        var log = Silo.Services.GetRequiredService<IChangeLog>();
        var deep = string.Concat(Enumerable.Repeat("[", 100_000)) + string.Concat(Enumerable.Repeat("]", 100_000));
        string[] poison =
        [
            deep, "{\"type\":\"placed\",\"customer\":" + deep + ",\"total\":1}", "\0\u0001\u0002", "{", "[]",
            "{\"type\":\"System.Diagnostics.Process, System.Diagnostics.Process\"}",
            "{\"$type\":\"System.Windows.Data.ObjectDataProvider\",\"type\":\"else\"}",
            "{\"type\":\"placed\",\"customer\":\"a\",\"total\":1e999}",
        ];
        var partition = Partitioner.PartitionOf("poison", 4);
        await log.AppendAsync(
            "shop.orders", [.. poison.Append("""{"type":"placed","customer":"poison","total":1}""").Select(value => new NewRecord
            {
                Partition = partition, Timestamp = 1, Key = "poison"u8.ToArray(), Value = Encoding.UTF8.GetBytes(value),
            })]);
        var http = With(TestIssuer.AllScopes);
        await UntilAsync(
            async () => (await http.StatusAsync("api/entities/order/poison")) == System.Net.HttpStatusCode.OK, "the record after them");
        Assert.Equal(
            "poison", (await http.AskAsync("api/entities/order/poison")).Json.GetProperty("state").GetProperty("customer").GetString());
        await UntilAsync(
            async () => (await log.OffsetsAsync("actorstreams.dead-letters")).Sum(range => range.End) == poison.Length,
            "a dead letter for each");
    }

    [Fact]
    public void No_message_between_silos_can_name_a_type_that_was_not_meant_for_it()
    {
        Assert.False(Silo.Services.GetRequiredService<IOptions<TypeManifestOptions>>().Value.AllowAllTypes);
        var types = Silo.Services.GetRequiredService<TypeConverter>();
        Assert.NotNull(types.Parse("string"));
        foreach (var gadget in new[]
        {
            "System.Diagnostics.Process,System.Diagnostics.Process", "System.IO.FileInfo,System.Private.CoreLib",
            "System.Data.DataSet,System.Data.Common",
        })
            Assert.ThrowsAny<Exception>(() => types.Parse(gadget));
    }
}
