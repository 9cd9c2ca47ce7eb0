using System.Diagnostics;
using ActorStreams.Client.Calls;
using ActorStreams.Samples.Shop;

namespace ActorStreams.Tests.EndToEnd;

[Collection(AloneCollection.Name)]
public sealed class LeanTests : EndToEndTest
{
    private const int Keys = 100_000;

    [Fact]
    public async Task A_silo_that_keeps_few_of_many_states_in_memory_has_them_all_and_answers_soon_after_it_starts()
    {
        var silo = await StartSiloAsync("--Streams:TableEntries=5000");
        var started = Stopwatch.GetTimestamp();
        await silo.Client.AppendAsync(
            "shop.orders",
            Enumerable.Range(0, Keys)
                .Select(i => new AppendRecord
                {
                    Key = $"order-{i}", Value = new { type = "placed", customer = $"c{i % 1_000}", total = i },
                }));
        await silo.CaughtUpAsync("shop.orders");
        Print(
            $"{Keys:N0} keys loaded and folded in {Stopwatch.GetElapsedTime(started).TotalSeconds:N1} s; the silo has {MemoryOf(silo)} MB");

        await silo.StopAsync();
        await silo.StartAsync("--Streams:TableEntries=5000");
        var ready = Stopwatch.GetTimestamp();
        Assert.Equal(new Order("c345", 12_345), (await silo.Client.GetAsync<Order>("order", "order-12345"))!.State);
        var first = Stopwatch.GetElapsedTime(ready);
        Print($"The first read took {first.TotalMilliseconds:N0} ms; the silo has {MemoryOf(silo)} MB");
        Assert.True(first < TimeSpan.FromSeconds(2), $"The first read took {first}.");

        var random = NewRandom();
        for (var i = 0; i < 300; i++)
        {
            var key = random.Next(Keys);
            Assert.Equal(new Order($"c{key % 1_000}", key), (await silo.Client.GetAsync<Order>("order", $"order-{key}"))!.State);
        }

        Assert.Equal(
            new Spend(100, Enumerable.Range(0, 100).Sum(i => 7L + (1_000 * i))), (await silo.Client.GetAsync<Spend>("spend", "c7"))!.State);
        Assert.Equal(Keys, (await silo.Client.DatasetsAsync()).Single(dataset => dataset.Name == "order").States);
    }

    private static long MemoryOf(SiloProcess silo)
    {
        using var process = Process.GetProcessById(silo.ProcessId);
        return process.WorkingSet64 >> 20;
    }
}
