using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.MockKafka;
using ActorStreams.Tests.EndToEnd;
using ActorStreams.Tests.Storage.Postgres;

namespace ActorStreams.Tests.Cluster;

/// <summary>
/// The log and the states are chosen one by one: a silo alone with one of them shared goes on after a crash as with none or both.
/// </summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class CombinationTests : EndToEndTest
{
    private const int Orders = 500;

    [Fact]
    public async Task The_log_in_Kafka_and_the_states_in_SQLite()
    {
        await using var kafka = await MockBrokers.StartAsync();
        foreach (var (topic, partitions) in SameAnswersTests.Topics())
            await kafka.CreateTopicAsync(topic, partitions);
        await using var silo = new SiloProcess
        {
            Settings =
            [
                "--Silo:Log=kafka", $"--Kafka:BootstrapServers={kafka.BootstrapServers}", "--Kafka:Consumer:fetch.wait.max.ms=10",
                "--Kafka:ChecksTopicSettings=false",
            ],
        };
        await GoesOnAsync(silo);
    }

    [Fact]
    public async Task The_log_embedded_and_the_states_in_PostgreSQL()
    {
        await using var postgres = await PostgresServer.StartNewAsync();
        await using var silo = new SiloProcess
        {
            Settings = ["--Silo:States=postgres", $"--Postgres:ConnectionString={(await postgres.NewDatabaseAsync()).ConnectionString}"],
        };
        await GoesOnAsync(silo);
    }

    /// <summary>Orders of ten customers, half of them before a crash and half after.</summary>
    private static async Task GoesOnAsync(SiloProcess silo)
    {
        await silo.StartAsync();
        await PlaceAsync(silo, 0);
        await silo.KillAsync();
        await silo.StartAsync();
        var last = await PlaceAsync(silo, Orders / 2);
        for (var customer = 0; customer < 10; customer++)
        {
            // A customer's orders lie in all partitions: only what the read after the last wait gives is complete.
            var spend = default(JsonElement);
            foreach (var position in last)
                spend = (await silo.Client.GetAsync<JsonElement>("spend", $"c{customer}", new() { AtLeast = position }))!.State;
            Assert.Equal((Orders / 10, Orders / 10), (spend.GetProperty("orders").GetInt32(), spend.GetProperty("total").GetInt32()));
        }
    }

    /// <returns>The last position of each partition.</returns>
    private static async Task<IReadOnlyList<Position>> PlaceAsync(SiloProcess silo, int from)
    {
        var positions = await silo.Client.AppendAsync(
            "shop.orders",
            Enumerable.Range(from, Orders / 2)
                .Select(i => new AppendRecord { Key = $"o{i}", Value = new { type = "placed", customer = $"c{i % 10}", total = 1 } }));
        return [.. positions.GroupBy(position => position.Partition).Select(partition => partition.MaxBy(position => position.Offset))];
    }
}
