using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

/// <summary>One silo in production for all tests that change none of its files.</summary>
public sealed class SharedSecureSilo : IAsyncLifetime
{
    internal SecureSilo Silo { get; } = new();

    public async ValueTask InitializeAsync() => await Silo.StartAsync();

    public ValueTask DisposeAsync() => Silo.DisposeAsync();
}

/// <summary>A test that attacks a silo which it shares with others.</summary>
[Collection(BesideOthersCollection.Name)]
public abstract class SecureSiloTest(SharedSecureSilo shared) : EndToEndTest, IClassFixture<SharedSecureSilo>
{
    internal SecureSilo Silo => shared.Silo;

    internal HttpClient With(string scopes, object? datasets = null, string subject = "tester") =>
        Silo.Http(Silo.Issuer.Token(scopes, datasets, subject));
}
