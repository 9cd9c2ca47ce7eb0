using System.Net;
using ActorStreams.Client.Calls;
using ActorStreams.Client;
using ActorStreams.Log;
using Microsoft.AspNetCore.Http;

namespace ActorStreams.Tests.Client;

public sealed class ReadTests
{
    private sealed record Lines(int Count);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_state_is_read_without_saying_whether_its_dataset_is_an_entity_or_a_view()
    {
        await using var silo = await FakeSilo.StartAsync();
        silo.Other = (context, _) => context.Response.WriteAsJsonAsync(FakeSilo.State("x", "k", new { count = 7 }, 3));
        using var client = silo.Client();

        var file = await client.GetAsync<Lines>("file", "a b/ü.cs", cancellationToken: Token);
        await client.GetAsync<Lines>("folder", ".", new() { AtLeast = new Position("t", 2, 9), TimeoutSeconds = 1.5 }, Token);

        Assert.Equal(7, file!.State.Count);
        Assert.Equal(new Position("t", 0, 3), file.Position);
        Assert.Equal(
            ["/api/datasets", "/api/entities/file/a%20b/%C3%BC.cs", "/api/views/folder/%2E?atLeast=t%2F2%3A9&timeoutSeconds=1.5"],
            silo.Requests);
    }

    [Fact]
    public async Task A_key_without_a_state_is_null_and_a_dataset_that_does_not_exist_is_an_error()
    {
        await using var silo = await FakeSilo.StartAsync();
        using var client = silo.Client();

        Assert.Null(await client.GetAsync<Lines>("file", "nothing", cancellationToken: Token));
        var error = await Assert.ThrowsAsync<ActorStreamsException>(() => client.GetAsync<Lines>("files", "a", cancellationToken: Token));
        Assert.Equal($"There is no dataset 'files' at {silo.Url}. It has 'file', 'folder'.", error.Message);
    }

    [Fact]
    public async Task A_problem_becomes_an_exception_with_its_sentence()
    {
        await using var silo = await FakeSilo.StartAsync();
        silo.Other = (context, _) => FakeSilo.ProblemAsync(context, 504, "Position t/0:9 was not reached within 1 s.");
        using var client = silo.Client();

        var error = await Assert.ThrowsAsync<ActorStreamsException>(() => client.GetAsync<Lines>("file", "a", cancellationToken: Token));

        Assert.Equal(
            ("Position t/0:9 was not reached within 1 s.", HttpStatusCode.GatewayTimeout, "Refused"),
            (error.Message, error.Status!.Value, error.Title));
    }

    [Fact]
    public async Task A_silo_that_is_not_there_is_told_with_its_address_and_the_remedy()
    {
        using var client = new ActorStreamsClient(new Uri("http://127.0.0.1:1"));

        var error = await Assert.ThrowsAsync<SiloUnreachableException>(() => client.DatasetsAsync(Token));

        Assert.StartsWith("No silo answers at http://127.0.0.1:1 (", error.Message);
        Assert.Contains("Start one with", error.Message);
    }

    [Fact]
    public async Task A_listing_goes_on_page_after_page()
    {
        await using var silo = await FakeSilo.StartAsync();
        silo.Other = (context, target) => context.Response.WriteAsJsonAsync(target.Contains("after", StringComparison.Ordinal)
            ? new { dataset = "file", items = new[] { Item("c&d") }, next = (string?)null }
            : new { dataset = "file", items = new[] { Item("a"), Item("b/ü") }, next = (string?)"b/ü" });
        using var client = silo.Client();

        var items = await client.ListAsync<Lines>("file", "", 2, Token).ToListAsync(Token);

        Assert.Equal(["a", "b/ü", "c&d"], items.Select(i => i.Key));
        Assert.Equal("/api/entities/file?prefix=&after=b%2F%C3%BC&limit=2", silo.Requests[^1]);

        static object Item(string key) => new { key, state = new { count = 1 }, time = DateTimeOffset.UnixEpoch };
    }

    [Fact]
    public async Task All_wrong_options_are_named_at_once()
    {
        await using var silo = await FakeSilo.StartAsync();
        var error = Assert.Throws<ArgumentException>(
            () => silo.Client(new() { HeartbeatTimeoutSeconds = 0, ReconnectMaxMilliseconds = 1 }));
        Assert.Contains("HeartbeatTimeoutSeconds is 0", error.Message);
        Assert.Contains("ReconnectMaxMilliseconds is 1", error.Message);
    }
}
