using System.Text;
using System.Text.Json;
using ActorStreams.Batch;
using ActorStreams.Cli;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Grains.Dismissed;
using ActorStreams.Log;
using ActorStreams.Protocol;
using ActorStreams.Storage.Sqlite.Files;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Tests.EndToEnd;
using Microsoft.Extensions.Logging.Abstractions;

namespace ActorStreams.Tests.DeadLetters;

/// <summary>Dead letters that operators dismiss: no longer open, and folded no otherwise than before.</summary>
[Collection(AlsoBesideOthersCollection.Name)]
public sealed class DismissTests : EndToEndTest
{
    private const string Reason = "A test of the producer.";

    [Fact]
    public async Task What_is_dismissed_is_not_open_through_a_kill_and_a_rebuild_and_is_folded_once_by_its_id_and_a_word()
    {
        var silo = Keep(new SiloProcess { Program = ["ActorStreams.Tests.dll", PoisonSilo.Command] });
        await silo.StartAsync();
        var (wanted, other) = (await SetAsideAsync(silo, "k1"), await SetAsideAsync(silo, "k1"));
        var done = await silo.Client.Operations.DismissAsync([wanted], Reason);
        Assert.Equal([wanted], done.Dismissed);
        await AssertDismissedAsync(silo, wanted, other);

        await silo.KillAsync();
        await silo.StartAsync();
        await AssertDismissedAsync(silo, wanted, other);
        Assert.Equal(0, await silo.StopAsync());
        await silo.StartAsync("--rebuild");
        await AssertDismissedAsync(silo, wanted, other);
        Assert.Equal([wanted], (await silo.Client.Operations.DismissAsync([wanted], "Again.")).Done);

        // Mended: a filter passes it by, its id alone is refused, and its id with the word is folded once.
        Assert.Equal(0, await silo.StopAsync());
        silo.Variables[PoisonSilo.FixedVariable] = "true";
        await silo.StartAsync();
        await AssertDismissedAsync(silo, wanted, other);
        Assert.Equal(other, Assert.Single((await silo.Client.Operations.RedriveOpenAsync("ledger", dryRun: false)).Appended).Id);
        Assert.Contains(
            "It is dismissed", Assert.Single((await silo.Client.Operations.RedriveAsync([wanted])).Refused).Reason,
            StringComparison.Ordinal);
        for (var i = 0; i < 2; i++)
            await silo.Client.Operations.RedriveAsync([wanted], dryRun: false, dismissed: true);
        var letter = await silo.Client.Operations.DeadLetterAsync(wanted);
        Assert.Equal((DeadLetterState.Folded, null), (letter.State, letter.Dismissed));
        Assert.Contains("has been folded", Assert.Single((await silo.Client.Operations.DismissAsync([wanted], Reason)).Refused).Reason);
        await AssertBatchAsync(silo, await silo.AllAsync("ledger"));
    }

    [Fact]
    public async Task A_record_without_a_key_is_offered_no_redrive_says_why_and_can_be_dismissed()
    {
        var silo = NewSilo();
        using (var directory = DataDirectory.Open(silo.Data))
        {
            await using var log = SqliteChangeLog.Open(new() { Path = directory.FilePath("log.db") });
            await log.CreateTopicAsync("shop.orders", 1);
            await log.AppendAsync("shop.orders", [new() { Partition = 0, Timestamp = 1, Value = "{}"u8.ToArray() }]);
        }

        await silo.StartAsync();
        DeadLetterInfo? letter = null;
        await UntilAsync(
            async () => (letter = (await silo.Client.Operations.DeadLettersAsync("order").ToListAsync()).SingleOrDefault()) is not null,
            "the dead letter");
        Assert.Equal((DeadLetterState.Open, false), (letter!.State, letter.CanRedrive));
        Assert.Contains("has no key", letter.Refusal, StringComparison.Ordinal);
        await UntilAsync(async () => await OpenAsync(silo, "order") == 1, "one that is open");
        // By the command line, and all of the dataset.
        await CommandAsync(silo, 0, "deadletters", "dismiss", "--dataset", "order", "--reason", Reason, "--dry-run");
        Assert.Equal(1, await OpenAsync(silo, "order"));
        await CommandAsync(silo, 0, "deadletters", "dismiss", "--dataset", "order", "--reason", Reason);
        Assert.Equal(0, await OpenAsync(silo, "order"));
        Assert.Contains(Reason, await CommandAsync(silo, 0, "deadletters", "list", "--state", "dismissed"), StringComparison.Ordinal);
        await CommandAsync(silo, 2, "deadletters", "dismiss", "--dataset", "order");
        await CommandAsync(silo, 2, "deadletters", "dismiss", "--reason", Reason);
    }

    [Theory]
    [InlineData("", "order", "1 to 500 of them")]
    [InlineData("Why not.", "nothing", "no dataset 'nothing'")]
    public async Task A_dismissal_wants_a_reason_and_dead_letters_that_there_are(string reason, string dataset, string says)
    {
        var silo = await StartSiloAsync();
        var error = await Assert.ThrowsAsync<ActorStreamsException>(
            () => silo.Client.Operations.DismissOpenAsync(dataset, reason, dryRun: false));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        var refused = await silo.Client.Operations.DismissAsync(
            ["order@shop.orders/0:77777#0", "spend@actorstreams.spend.b1.input/0:0#0"], Reason);
        Assert.Empty(refused.Dismissed);
    }

    [Fact]
    public async Task Every_silo_knows_a_dismissal_and_of_a_rebuilt_view_none_that_is_older_than_the_dead_letter()
    {
        var log = new InMemoryChangeLog();
        var topology = new TopologyBuilder { Application = "app" };
        Ledger.AddTo(topology);
        var built = topology.Build();
        await log.CreateTopicAsync(built.DeadLetterTopic, 1);
        var (entity, view) = (Id("ledger", "ledger"), Id("book", built.Datasets.Single(one => one.Name == "book").Topic));
        DeadLetter letter = new("book", view.Position, 0, "k", "r", null, null, 1);
        await log.AppendAsync(built.DeadLetterTopic, [DeadLetterFormat.ToRecord(letter)]);
        await log.AppendAsync(
            built.DeadLetterTopic,
            [DismissalFormat.ToRecord(new(entity, "ann", 5, Reason)), DismissalFormat.ToRecord(new(view, "ann", 5, Reason))]);
        for (var silo = 0; silo < 2; silo++)
        {
            using var dismissals = new Dismissals(built, log, TimeProvider.System, NullLogger<Dismissals>.Instance);
            await dismissals.StartAsync(CancellationToken.None);
            await dismissals.ReadUpToAsync(3, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Equal(new(entity, "ann", 5, Reason) { Offset = 1 }, dismissals.Of(entity, writtenAt: 9));
            Assert.NotNull(dismissals.Of(view, writtenAt: 0));
            Assert.Null(dismissals.Of(view, writtenAt: 9));
            var open = new SetAsideOffsets();
            open.Add(6);
            Assert.Equal(0, dismissals.CountOf("ledger", entity.Position.TopicPartition, open));
            open.Add(7);
            Assert.Equal(1, dismissals.CountOf("ledger", entity.Position.TopicPartition, open));
            await dismissals.StopAsync(CancellationToken.None);
        }

        static DeadLetterId Id(string dataset, string topic) => new(dataset, new(topic, 0, 7), 0);
    }

    private static async Task AssertDismissedAsync(SiloProcess silo, string wanted, string other)
    {
        await silo.CaughtUpAsync(PoisonRecords.Topic);
        await UntilAsync(async () => await OpenAsync(silo, "ledger") == 1, "one that is open");
        var open = await silo.Client.Operations.DeadLettersAsync("ledger", DeadLetterState.Open).ToListAsync();
        Assert.Equal([other], open.Select(letter => letter.Id).Distinct());
        var dismissed = (await silo.Client.Operations.DeadLettersAsync("ledger", DeadLetterState.Dismissed).ToListAsync())
            .DistinctBy(letter => letter.Id);
        var letter = Assert.Single(dismissed);
        Assert.Equal((wanted, "(unknown)", Reason, false), (letter.Id, letter.Dismissed!.By, letter.Dismissed.Reason, letter.CanRedrive));
        Assert.InRange(letter.Dismissed.At, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Contains("dismissed: true", letter.Refusal, StringComparison.Ordinal);
    }

    private static async Task<string> SetAsideAsync(SiloProcess silo, string key)
    {
        var position = (await silo.Client.AppendAsync(
            PoisonRecords.Topic, [new() { Key = key, Value = new { type = "out", amount = 13 } }]))[0];
        var id = $"ledger@{position}#0";
        await UntilAsync(
            async () => (await silo.Client.Operations.DeadLettersAsync("ledger").ToListAsync()).Any(one => one.Id == id),
            "the dead letter");
        return id;
    }

    private static async Task<long> OpenAsync(SiloProcess silo, string dataset) =>
        (await silo.Client.Operations.PartitionsAsync(dataset)).Sum(partition => partition.OpenDeadLetters);

    private static async Task<string> CommandAsync(SiloProcess silo, int code, params string[] arguments)
    {
        using var output = new StringWriter();
        var got = await CommandLine.RunAsync(
            [.. arguments, "--url", silo.Url.AbsoluteUri], new Shell(output, output, outputIsTerminal: false, errorIsTerminal: false));
        Assert.True(code == got, $"Exit code {got}: {output}");
        return output.ToString();
    }

    /// <summary>With the dismissals in its log, a batch folds what the silo has folded.</summary>
    private static async Task AssertBatchAsync(SiloProcess silo, SortedDictionary<string, string> live)
    {
        Assert.Equal(0, await silo.StopAsync());
        Assert.Equal(2, JsonSerializer.Deserialize<Ledger>(live["k1"], JsonSerializerOptions.Web)!.Records);
        Ledger.IsFixed = true;
        var topology = new TopologyBuilder();
        Ledger.AddTo(topology);
        using var directory = DataDirectory.Open(silo.Data);
        await using var log = SqliteChangeLog.Open(new() { Path = directory.FilePath("log.db") });
        var batch = await new BatchRunner(topology.Build(), log).RunAsync();
        Assert.Equal(
            live.Select(pair => pair.Key + pair.Value),
            batch.Json("ledger").Select(pair => pair.Key + Encoding.UTF8.GetString(pair.Value)));
    }
}
