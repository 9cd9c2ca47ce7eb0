using System.Text;
using ActorStreams.Grains;
using ActorStreams.Samples.Shop;
using ActorStreams.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>The grains as a service in the cluster calls them, without HTTP.</summary>
public sealed class GrainTests : EndToEndTest
{
    [Fact]
    public async Task An_entity_grain_appends_and_a_view_grain_reads_what_became_of_it_and_watches_it_change()
    {
        using var data = new TemporaryDirectory();
        var builder = WebApplication.CreateBuilder(["--Silo:DataDirectory", data.Path]);
        builder.Logging.ClearProviders();
        builder.AddActorStreams(ShopDefinitions.AddTo);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var host = builder.Build();
        host.MapActorStreams();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var grains = host.Services.GetRequiredService<IGrainFactory>();
        var order = grains.GetGrain<IEntityGrain>("order/o/1");
        var spend = grains.GetGrain<IViewGrain>("spend/ann");

        Assert.Null((await order.Get(new(), default)).State);
        var placed = await order.Append(new("""{"type":"placed","customer":"ann","total":5}"""u8.ToArray()), default);
        Assert.Equal("""{"customer":"ann","total":5}""", Text((await order.Get(new(placed), default)).State));
        Assert.Equal("""{"orders":1,"total":5}""", Text((await spend.Get(new(placed), default)).State));
        Assert.Contains("\"orders\":1", (await spend.GetState()).State, StringComparison.Ordinal);

        PositionReply? ended = null;
        await foreach (var reply in spend.Watch(new(), default))
        {
            if (reply.State is { } state)
            {
                Assert.Equal("""{"orders":1,"total":5}""", Text(state.State));
                ended = await order.Append(new(null), default);
                continue;
            }

            Assert.Equal(("""{"orders":1,"total":5}""", null), (Text(reply.Change!.Before), Text(reply.Change.After)));
            Assert.Equal((ended, ended), (reply.Change.Trigger, reply.Change.Root));
            break;
        }

        var late = await spend.Get(new(ended! with { Offset = ended.Offset + 1 }, TimeoutSeconds: 0.1), default);
        Assert.False(late.Reached);
        var once = new AppendRequest("{\"type\":\"placed\",\"customer\":\"bob\",\"total\":5}"u8.ToArray(), IdempotencyKey: "k");
        Assert.Equal(await order.Append(once, default), await order.Append(once, default));
        var refused = await Assert.ThrowsAsync<RequestRefusedException>(() => order.Append(once with { Timestamp = 5 }, default));
        Assert.Equal(422, refused.Status);
        await Assert.ThrowsAsync<ArgumentException>(() => grains.GetGrain<IEntityGrain>("spend/ann").Get(new(), default));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    private static string? Text(byte[]? json) => json is null ? null : Encoding.UTF8.GetString(json);
}
