using System.Runtime.CompilerServices;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading;

namespace ActorStreams.Tests.Client;

public sealed class ExactLoadTests
{
    private static readonly LoadOptions Fast = new() { SettleMilliseconds = 5, WaitSeconds = 20 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(617, false)]
    [InlineData(617, true)]
    [InlineData(1_000, true)]
    public async Task A_load_sends_only_the_rest_after_a_connection_dropped_in_the_middle(int landing, bool answersFirst)
    {
        await using var silo = await FakeSilo.StartAsync(("t", 3));
        silo.OnAppend = append => append is 1 ? new(landing, answersFirst) : null;
        using var client = silo.Client();

        var result = await new ExactLoader(client, "t", Fast).LoadAsync(new Numbers(2_500), Token);

        Assert.Equal(2_500, result.Records);
        AssertExact(silo, 2_500);
    }

    [Fact]
    public async Task A_load_lives_through_a_silo_that_restarts_and_an_unavailable_log()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 3));
        silo.OnAppend = append => append switch
        {
            0 => new(Status: 503),
            2 => new(400, Then: () => silo.RestartAsync(TimeSpan.FromMilliseconds(150))),
            3 => new(100),
            _ => null,
        };
        using var client = silo.Client();

        await new ExactLoader(client, "t", Fast).LoadAsync(new Numbers(2_500), Token);

        AssertExact(silo, 2_500);
    }

    [Fact]
    public async Task A_load_that_was_killed_is_resumed_with_what_is_missing_and_what_is_new()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 3));
        silo.OnAppend = append => append is 1 ? new(333) : null;
        using var client = silo.Client();
        using var killed = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var loader = new ExactLoader(client, "t", new() { SettleMilliseconds = 60_000 });
        var load = loader.LoadAsync(new Numbers(2_500), killed.Token);
        while (silo.Contents("t").Count < 1_333)
            await Task.Yield();
        await killed.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);

        var result = await new ExactLoader(client, "t", Fast with { Resume = true }).LoadAsync(new Numbers(2_600), Token);

        Assert.Equal((1_333, 1_267), (result.Skipped, result.Records));
        AssertExact(silo, 2_600);
    }

    [Fact]
    public async Task A_load_is_not_resumed_in_a_topic_that_holds_something_else()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 1));
        using var client = silo.Client();
        await client.AppendAsync("t", [new() { Key = "k1", Value = "foreign" }], Token);

        var error = await Assert.ThrowsAsync<ForeignRecordException>(
            () => new ExactLoader(client, "t", Fast with { Resume = true }).LoadAsync(new Numbers(10), Token));

        Assert.StartsWith("The record at t/0:0 (key 'k1') is not the input's next record", error.Message);
        Assert.Single(silo.Contents("t"));
    }

    [Fact]
    public async Task A_load_notices_another_writer_when_it_has_to_look()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 1));
        using var client = silo.Client();
        silo.OnAppend = append =>
        {
            if (append == 0)
                client.AppendAsync("t", [new() { Key = "other", Value = 1 }]).GetAwaiter().GetResult();
            return append == 0 ? new(0) : null;
        };

        await Assert.ThrowsAsync<ForeignRecordException>(() => new ExactLoader(client, "t", Fast).LoadAsync(new Numbers(10), Token));
    }

    [Fact]
    public async Task A_load_gives_up_when_the_silo_stays_away_and_says_how_to_go_on()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 1));
        silo.OnAppend = append => append >= 1 ? new(Status: 503) : null;
        using var client = silo.Client();

        var error = await Assert.ThrowsAsync<LoadStoppedException>(
            () => new ExactLoader(client, "t", Fast with { WaitSeconds = 0.1 }).LoadAsync(new Numbers(1_500), Token));

        Assert.Equal(1_000, error.Appended);
        Assert.Contains("--resume", error.Message);
    }

    [Fact]
    public async Task A_refused_record_is_named_by_its_place_in_the_input()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 1));
        silo.OnAppend = append => append == 1 ? new(Status: 400, Errors: new[] { new { line = 17, error = "the key is empty." } }) : null;
        using var client = silo.Client();

        var error = await Assert.ThrowsAsync<LoadStoppedException>(
            () => new ExactLoader(client, "t", Fast).LoadAsync(new Numbers(1_500), Token));

        Assert.StartsWith("Record 1,017 of the input was refused by topic 't': the key is empty.", error.Message);
    }

    [Fact]
    public async Task A_plain_append_whose_connection_breaks_says_that_its_outcome_is_unknown_and_is_not_sent_again()
    {
        await using var silo = await FakeSilo.StartAsync(("t", 1));
        silo.OnAppend = _ => new(1);
        using var client = silo.Client();

        var error = await Assert.ThrowsAsync<AppendOutcomeUnknownException>(
            () => client.AppendAsync("t", [new() { Key = "a", Value = 1 }], Token));

        Assert.Equal(1, silo.Appends);
        Assert.StartsWith("It is unknown whether topic 't' has the record sent to it:", error.Message);
    }

    private static void AssertExact(FakeSilo silo, int records)
    {
        // Each record once, and each key's in order.
        var contents = silo.Contents("t");
        Assert.Equal(Enumerable.Range(0, records), contents.Select(r => int.Parse(r.Value, CultureInfo.InvariantCulture)).Order());
        Assert.All(contents.GroupBy(r => r.Key), key => Assert.Equal(
            key.Select(r => int.Parse(r.Value, CultureInfo.InvariantCulture)).Order(),
            key.Select(r => int.Parse(r.Value, CultureInfo.InvariantCulture))));
    }

    private sealed class Numbers(int count) : LoadSource
    {
        public override string Unit => "numbers";

        public override long Done => 0;

        public override Task OpenAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public override async IAsyncEnumerable<AppendRecord> ReadAsync(
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask;
            for (var i = 0; i < count; i++)
                yield return new() { Key = $"k{i % 7}", Value = i };
        }
    }
}
