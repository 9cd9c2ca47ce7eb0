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
}
