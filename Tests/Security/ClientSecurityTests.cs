using System.Net;
using ActorStreams.Cli.Terminal;
using ActorStreams.Cli;
using ActorStreams.Client.Calls;
using ActorStreams.Client;
using ActorStreams.Samples.Shop;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.Security;

[Collection(BesideOthersCollection.Name)]
public sealed class ClientSecurityTests(SharedSecureSilo shared) : SecureSiloTest(shared)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_client_library_shows_its_token_and_asks_for_it_anew_with_each_request()
    {
        var token = "wrong";
        using var client = new ActorStreamsClient(Silo.Url, new() { Token = () => token, CaFile = Silo.Authority.CaFile });
        var refused = await Assert.ThrowsAsync<ActorStreamsException>(() => client.DatasetsAsync(Token));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.Status);
        token = Silo.Issuer.Token();
        var at = await client.AppendAsync(
            "shop.orders", [new() { Key = "c1", Value = new { type = "placed", customer = "carl", total = 5 } }], Token);
        Assert.Equal(5, (await client.GetAsync<Spend>("spend", "carl", new() { AtLeast = at[0] }, Token))!.State.Total);
        Assert.Equal(
            WatchEventKind.State, (await client.WatchAsync<Spend>("spend", "carl", cancellationToken: Token).FirstAsync(Token)).Kind);
        token = "";
        Assert.Equal(
            HttpStatusCode.Unauthorized, (await Assert.ThrowsAsync<ActorStreamsException>(() => client.DatasetsAsync(Token))).Status);
    }

    [Fact]
    public async Task A_silo_of_an_unknown_authority_is_not_believed()
    {
        using var foreign = new TestAuthority();
        foreach (var file in new[] { null, foreign.CaFile })
        {
            using var client = new ActorStreamsClient(Silo.Url, new() { Token = () => "secret-token", CaFile = file });
            var error = await Assert.ThrowsAnyAsync<ActorStreamsException>(() => client.DatasetsAsync(Token));
            Assert.Contains("--ca", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret-token", $"{error}", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_command_line_takes_a_token_from_a_file_and_never_shows_it()
    {
        using var directory = new TemporaryDirectory();
        var file = directory.File("token");
        await File.WriteAllTextAsync(file, Silo.Issuer.Token() + "\n", Token);
        Assert.Equal(0, (await RunAsync("datasets", "--token-file", file, "--ca", Silo.Authority.CaFile)).Code);

        var none = await RunAsync("datasets", "--ca", Silo.Authority.CaFile);
        Assert.Equal(1, none.Code);
        Assert.Contains("No token came", none.Error, StringComparison.Ordinal);
        foreach (var bad in new[] { Silo.Issuer.Token(audience: "else"), "planted token\nwith lines", "plänted" })
        {
            await File.WriteAllTextAsync(file, bad, Token);
            var refused = await RunAsync("datasets", "--token-file", file, "--ca", Silo.Authority.CaFile);
            Assert.Equal(1, refused.Code);
            Assert.DoesNotContain(bad, refused.Error + refused.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("planted", refused.Error, StringComparison.Ordinal);
        }

        Assert.Contains(
            "/no/file", (await RunAsync("datasets", "--token-file", "/no/file", "--ca", Silo.Authority.CaFile)).Error,
            StringComparison.Ordinal);
        Assert.Contains("/no/ca", (await RunAsync("datasets", "--ca", "/no/ca")).Error, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync("datasets", "--ca", file)).Code);
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.RunAsync(
            [.. arguments, "--url", Silo.Url.AbsoluteUri], new Shell(output, error, outputIsTerminal: false, errorIsTerminal: false),
            Token);
        return (code, output.ToString(), error.ToString());
    }
}
