using System.Net;
using System.Text.Json;
using System.Text;
using ActorStreams.Cli.Terminal;
using ActorStreams.Cli;
using ActorStreams.DeadLetters;
using ActorStreams.Protocol;
using ActorStreams.Tests.EndToEnd;

namespace ActorStreams.Tests.DeadLetters;

/// <summary>Dead letters over HTTP, by the client and on the command line, of a stock silo.</summary>
public sealed class DeadLettersApiTests(SharedSilo shared) : SharedSiloTest(shared)
{
    private const string Orders = "shop.orders";

    [Fact]
    public async Task A_dead_letter_is_listed_shown_and_redriven_and_says_that_it_failed_again()
    {
        var key = NewKey("<img src=x onerror=alert(1)>");
        var letter = await SetAsideAsync(key);
        Assert.Equal((key, DeadLetterState.Open, true), (letter.Key, letter.State, letter.CanRedrive));

        var shown = await Silo.Client.Operations.DeadLetterAsync(letter.Id);
        Assert.Equal("{\"type\":\"<b>lost</b>\"}", shown.Value);
        Assert.Contains("JsonException", shown.Error, StringComparison.Ordinal);
        var dry = await Silo.Client.Operations.RedriveAsync([letter.Id], dryRun: true);
        Assert.Equal(RedriveOutcome.Planned, Assert.Single(dry.Appended).Outcome);

        var redriven = Assert.Single((await Silo.Client.Operations.RedriveAsync([letter.Id])).Appended);
        Assert.Equal(RedriveOutcome.FailedAgain, redriven.Outcome);
        var again = (await Silo.Client.Operations.DeadLettersAsync("order").ToListAsync()).Single(one => one.Position == redriven.Position);
        Assert.Equal((letter.Id, letter.Key, DeadLetterState.Open), (again.First, again.Key, again.State));
        // Whichever of the two is named, the first one is meant.
        Assert.Equal(letter.Id, Assert.Single((await Silo.Client.Operations.RedriveAsync([again.Id, letter.Id])).Appended).Id);
    }

    [Fact]
    public async Task Pages_go_back_to_the_oldest_and_a_filter_leaves_the_others_out()
    {
        var keys = new List<string>();
        for (var i = 0; i < 5; i++)
            keys.Add((await SetAsideAsync(NewKey("page"))).Key!);
        var (seen, path) = (new List<string?>(), "api/dead-letters?limit=2&dataset=order&state=open");
        for (var next = (long?)null; ;)
        {
            var page = (await Silo.GetAsync(path + (next is null ? "" : $"&before={next}"))).Json;
            Assert.InRange(page.GetProperty("items").GetArrayLength(), 0, 2);
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("key").GetString()));
            if (page.GetProperty("next").ValueKind == JsonValueKind.Null)
                break;
            next = page.GetProperty("next").GetInt64();
        }

        Assert.Equal(Enumerable.Reverse(keys), seen.Where(key => keys.Contains(key!)));
        Assert.Empty((await Silo.GetAsync("api/dead-letters?dataset=spend")).Json.GetProperty("items").EnumerateArray());
    }

    [Theory]
    [InlineData("{\"ids\":[\"order@shop.orders/0:0#0\"]}", false, HttpStatusCode.Forbidden, "X-ActorStreams: operate")]
    [InlineData("{}", true, HttpStatusCode.BadRequest, "exactly one of ids, dataset")]
    [InlineData("{\"all\":true,\"dataset\":\"order\"}", true, HttpStatusCode.BadRequest, "exactly one of")]
    [InlineData("{\"ids\":[\"order\"]}", true, HttpStatusCode.BadRequest, "dataset@topic/partition:offset#index")]
    [InlineData("{\"dataset\":\"nothing\"}", true, HttpStatusCode.NotFound, "no dataset 'nothing'")]
    [InlineData("{\"all\":true,\"limit\":1001}", true, HttpStatusCode.BadRequest, "1 to 1000")]
    [InlineData("{\"all\":true,\"waitSeconds\":31}", true, HttpStatusCode.BadRequest, "0 to 30")]
    public async Task What_cannot_be_redriven_as_it_is_asked_is_refused_with_a_sentence(
        string body, bool withHeader, HttpStatusCode status, string says)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Silo.Raw("api/dead-letters/redrive"))
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        if (withHeader)
            request.Headers.Add("X-ActorStreams", "operate");
        using var response = await Silo.Http.SendAsync(request);
        var answer = new Answer(response.StatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(status, answer.Status);
        Assert.Contains(says, answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redrive_of_all_is_a_dry_run_unless_it_is_said_and_refuses_what_no_definition_can_fold()
    {
        var letter = await SetAsideAsync(NewKey());
        using var request = new HttpRequestMessage(HttpMethod.Post, Silo.Raw("api/dead-letters/redrive"))
        {
            Content = new StringContent("{\"all\":true}", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("X-ActorStreams", "operate");
        using var response = await Silo.Http.SendAsync(request);
        var answer = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        Assert.True(answer.GetProperty("dryRun").GetBoolean());
        Assert.Contains(answer.GetProperty("appended").EnumerateArray(), one => one.GetProperty("id").GetString() == letter.Id
            && one.GetProperty("outcome").GetString() == "planned");

        var refused = await Silo.Client.Operations.RedriveAsync(
            ["spend@actorstreams.spend.b1.input/0:0#0", "gone@shop.orders/0:0#0", "order@shop.orders/99:0#0", "order@other/0:0#0"]);
        Assert.Empty(refused.Appended);
        Assert.Equal(
            ["a change of a view", "no dataset 'gone'", "has 4 partitions", "not folded from 'other'"],
            new[] { "a change of a view", "no dataset 'gone'", "has 4 partitions", "not folded from 'other'" }
                .Where(text => refused.Refused.Any(one => one.Reason.Contains(text, StringComparison.Ordinal))));
    }

    [Fact]
    public async Task No_client_may_append_a_redrive_of_its_own()
    {
        var answer = await Silo.PostAsync(
            Orders, "{\"key\":\"a\",\"value\":{},\"headers\":{\"ActorStreams-Redrive\":\"order@shop.orders/0:0#0\"}}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("the system's own", answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Operators_commands_show_silos_partitions_health_and_dead_letters()
    {
        var letter = await SetAsideAsync(NewKey());
        Assert.Contains("\"status\":\"active\"", await CommandAsync(0, "silos"), StringComparison.Ordinal);
        Assert.Equal(4, (await CommandAsync(0, "partitions", "order")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("\"status\":\"ready\"", await CommandAsync(0, "health"), StringComparison.Ordinal);
        Assert.Contains(
            letter.Id, await CommandAsync(0, "deadletters", "list", "--dataset", "order", "--state", "open"), StringComparison.Ordinal);
        Assert.Contains("lost", await CommandAsync(0, "deadletters", "show", letter.Id), StringComparison.Ordinal);
        Assert.Contains(
            "\"outcome\":\"planned\"", await CommandAsync(0, "deadletters", "redrive", letter.Id, "--dry-run"), StringComparison.Ordinal);
        Assert.Contains(
            "\"outcome\":\"failed again\"", await CommandAsync(1, "deadletters", "redrive", letter.Id), StringComparison.Ordinal);
        await CommandAsync(2, "deadletters", "redrive");
    }

    private async Task<string> CommandAsync(int code, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var got = await CommandLine.RunAsync(
            [.. arguments, "--url", Silo.Url.AbsoluteUri], new Shell(output, error, outputIsTerminal: false, errorIsTerminal: false));
        Assert.True(code == got, $"Exit code {got}: {output}{error}");
        return output.ToString();
    }

    private async Task<DeadLetterInfo> SetAsideAsync(string key)
    {
        var position = (await Silo.Client.AppendAsync(Orders, [new() { Key = key, Value = new { type = "<b>lost</b>" } }]))[0];
        DeadLetterInfo? letter = null;
        await UntilAsync(
            async () => (letter = (await Silo.Client.Operations.DeadLettersAsync("order").ToListAsync())
                .Find(one => one.Position == position)) is not null, "the dead letter");
        return letter!;
    }
}
