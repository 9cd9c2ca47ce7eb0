using ActorStreams.Grains.Actors;
using System.Net;
using ActorStreams.Grains;
using ActorStreams.Tests.EndToEnd;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class GuessedKeysTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    [Fact]
    public async Task Whoever_guesses_keys_does_not_fill_the_memory_with_actors()
    {
        var (http, empty) = (With(TestIssuer.AllScopes), Silo.Services.GetRequiredService<EmptyActors>());
        var grains = Silo.Services.GetRequiredService<IGrainFactory>();
        const int Guesses = EmptyActors.Max + 5_000;
        for (var next = 0; next < Guesses; next += 500)
            await Task.WhenAll(Enumerable.Range(next, 500)
                .Select(i => grains.GetGrain<IEntityGrain>($"order/guess-{i}").Get(new(), default)));
        await UntilAsync(() => Task.FromResult(empty.Count <= EmptyActors.Max + 1), "those beyond the bound end");
        var statistics = await grains.GetGrain<IManagementGrain>(0).GetSimpleGrainStatistics();
        var actors = statistics.Where(one => one.GrainType.Contains("EntityGrain", StringComparison.Ordinal))
            .Sum(one => one.ActivationCount);
        Assert.InRange(actors, 1, EmptyActors.Max + 500);

        // They are told the truth all the same, and so are those who ask for what exists.
        Assert.Equal(HttpStatusCode.NotFound, await http.StatusAsync("api/entities/order/guess-over"));
        await http.AppendAsync(OrderRequests.Placed("guess-over", "ann", 3));
        await UntilAsync(async () => await http.StatusAsync("api/entities/order/guess-over") == HttpStatusCode.OK, "the order");

        // A watch of a key that does not exist yet goes on, however many others there are.
        using var watch = await http.GetAsync(
            new Uri("api/entities/order/guess-watched?watch=true", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await watch.Content.ReadAsStreamAsync());
        Assert.Equal("event: state", await lines.ReadLineAsync());
        Assert.Equal(HttpStatusCode.NotFound, await http.StatusAsync("api/entities/order/guess-watched"));
        await http.AppendAsync(OrderRequests.Placed("guess-watched", "ann", 4));
        while (await lines.ReadLineAsync() is { } line && line != "event: change")
            Assert.DoesNotContain("error", line, StringComparison.Ordinal);
    }
}
