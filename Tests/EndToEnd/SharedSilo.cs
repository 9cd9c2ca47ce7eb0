using ActorStreams.Log;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>One running silo for all tests that only ask it something, each with keys of its own.</summary>
public sealed class SharedSilo : IAsyncLifetime
{
    internal SiloProcess Silo { get; } = new();

    public async ValueTask InitializeAsync() => await Silo.StartAsync();

    public ValueTask DisposeAsync() => Silo.DisposeAsync();
}

/// <summary>A test of a silo that it shares with others.</summary>
public abstract class SharedSiloTest(SharedSilo shared) : EndToEndTest, IClassFixture<SharedSilo>
{
    internal const string Orders = "shop.orders";

    internal SiloProcess Silo => shared.Silo;

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
            Print($"The silo wrote:\n{Silo.Output}");
        await base.DisposeAsync();
    }

    /// <summary>A key that no other test has.</summary>
    internal static string NewKey(string prefix = "key") => $"{prefix}-{Guid.NewGuid():n}";

    internal static string Placed(string key, string customer, decimal total) =>
        System.Text.Json.JsonSerializer.Serialize(new { key, value = new { type = "placed", customer, total } });

    internal async Task<Position> PlaceAsync(string key, string customer, decimal total) => await PlaceAsync(Silo, key, customer, total);

    internal static async Task<Position> PlaceAsync(SiloProcess silo, string key, string customer, decimal total)
    {
        var answer = (await silo.PostAsync(Orders, Placed(key, customer, total))).Lines.Single();
        return new(Orders, answer.GetProperty("partition").GetInt32(), answer.GetProperty("offset").GetInt64());
    }

    /// <summary>Waits until a condition holds that nothing can signal.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> condition, string what, double seconds = 60)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Not within {seconds} s: {what}");
            await Task.Delay(20);
        }
    }
}
