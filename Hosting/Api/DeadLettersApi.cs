using System.Text;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Grains;
using ActorStreams.Grains.DeadLetters;
using Microsoft.AspNetCore.Mvc;

namespace ActorStreams.Hosting.Api;

/// <summary>Dead letters: what was set aside, why, what has become of it, and to have it folded after all.</summary>
internal static class DeadLettersApi
{
    /// <summary>
    /// A page of another site can make a browser post, but not with a header of this name unless this silo allows it, which it does not
    /// (CORS). So what changes something wants it.
    /// </summary>
    internal const string OperateHeader = "X-ActorStreams";

    internal const string OperateValue = "operate";

    private const int DefaultPage = 50;
    private const double DefaultWaitSeconds = 5;

    internal static void MapDeadLetters(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/api/dead-letters").WithTags("dead letters");
        api.MapGet("", ListAsync).WithSummary("Dead letters, newest first")
            .WithDescription(
                "What could not be folded, with its reason. state is open, folded or unknown; before is the next of the page before. "
                + "A page looks through at most 10,000 records, so it may be short and have a next all the same.")
            .Produces<DeadLetterPageAnswer>().ProducesProblem(400);
        api.MapPost("/redrive", RedriveAsync).WithSummary("Redrive")
            .WithDescription(
                "Appends what was set aside again, to be folded once. Either ids, or dataset, or all: true; "
                + "for the latter two dryRun is true unless it is said. Up to 1,000 in a call; "
                + "next and end are the from and until of the next one. Wants the header X-ActorStreams: operate.")
            .Produces<RedriveAnswer>().ProducesProblem(400).ProducesProblem(403);
        api.MapGet("/{**id}", GetAsync).WithSummary("A dead letter").WithDescription(
            "With its error and the original. It is looked for among the newest 100,000.")
            .Produces<DeadLetterAnswer>().ProducesProblem(400).ProducesProblem(404);
    }

    private static async Task<IResult> ListAsync(
        string? dataset, string? state, long? before, int? limit, [FromServices] DeadLetterReader letters, [FromServices] Topology topology,
        CancellationToken stop)
    {
        var wanted = (DeadLetterState?)null;
        if (state is not null)
        {
            if (!Enum.TryParse<DeadLetterState>(state, ignoreCase: true, out var one) || !Enum.IsDefined(one))
                return Api.Problem(400, "Bad state", $"state is '{state}', but must be open, folded or unknown.");
            wanted = one;
        }

        if (limit is < 1 or > DeadLetterReader.MaxPage)
            return Api.Problem(400, "Bad limit", $"limit is {limit}, but a page has 1 to {DeadLetterReader.MaxPage} dead letters.");
        if (before < 0)
            return Api.Problem(400, "Bad offset", $"before is {before}, but must not be negative.");
        var page = await letters.PageAsync(dataset, wanted, before, limit ?? DefaultPage, stop);
        return Results.Ok(
            new DeadLetterPageAnswer(
                topology.DeadLetterTopic,
                page.Range.End - page.Range.Start, [.. page.Items.Select(item => DeadLetterAnswer.Of(item, withOriginal: false))],
                page.Next));
    }

    private static async Task<IResult> GetAsync(string id, [FromServices] DeadLetterReader letters, CancellationToken stop)
    {
        // A route leaves an encoded slash as it is.
        var text = id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        if (!DeadLetterId.TryParse(text, out var wanted))
            return BadId(text);
        if (!(await letters.FindAsync([wanted], stop)).TryGetValue(wanted, out var letter))
            return Api.Problem(
                404, "No such dead letter", $"There is no dead letter '{text}' among the newest {DeadLetterReader.MaxSought}.");
        return Results.Ok(DeadLetterAnswer.Of((await letters.StatusAsync([letter], stop))[0], withOriginal: true));
    }

    private static async Task<IResult> RedriveAsync(
        [FromBody] RedriveBody body, HttpContext http, [FromServices] Redriver redriver, [FromServices] Topology topology)
    {
        if (http.Request.Headers[OperateHeader] != OperateValue)
            return Api.Problem(
                403, "Not by a browser alone",
                $"This changes something, and so wants the header {OperateHeader}: {OperateValue}, which pages of other sites cannot "
                + "send.");
        var (ids, wait) = (body.Ids ?? [], body.WaitSeconds ?? DefaultWaitSeconds);
        if ((ids.Count > 0 ? 1 : 0) + (body.Dataset is null ? 0 : 1) + (body.All == true ? 1 : 0) != 1)
            return Api.Problem(400, "Which?", "Give exactly one of ids, dataset, and all: true.");
        if (!(wait >= 0 && wait <= Redriver.MaxWaitSeconds))
            return Api.Problem(400, "Bad time limit", $"waitSeconds is {wait}, but must be from 0 to {Redriver.MaxWaitSeconds}.");
        // Once begun it is finished, also when the caller goes away: an append has no way back.
        if (ids.Count == 0)
        {
            var limit = body.Limit ?? Redriver.MaxAtOnce;
            if (body.Dataset is { } dataset && !topology.TryGet(dataset, out _))
                return Api.Problem(
                    404, "No such dataset",
                    $"There is no dataset '{dataset}'. There are: {string.Join(", ", topology.Datasets.Select(one => one.Name))}.");
            if (limit is < 1 or > Redriver.MaxAtOnce || body.From < 0 || body.Until < 0)
                return Api.Problem(
                    400, "Bad limit", $"limit is {limit}, but must be from 1 to {Redriver.MaxAtOnce}; from and until are not negative.");
            var dryRun = body.DryRun ?? true;
            return Answer(
                await redriver.RedriveOpenAsync(body.Dataset, body.From ?? 0, body.Until, limit, dryRun, wait, CancellationToken.None),
                dryRun);
        }

        if (ids.Count > Redriver.MaxAtOnce)
            return Api.Problem(
                400, "Too many at once", $"{ids.Count} ids are given, but a call takes {Redriver.MaxAtOnce}. Send them in several.");
        var wanted = new List<DeadLetterId>();
        foreach (var text in ids)
        {
            if (!DeadLetterId.TryParse(text, out var id))
                return BadId(text);
            wanted.Add(id);
        }

        return Answer(await redriver.RedriveAsync(wanted, body.DryRun ?? false, wait, CancellationToken.None), body.DryRun ?? false);
    }

    private static IResult BadId(string? text) =>
        Api.Problem(400, "Bad id", $"'{text}' is the id of no dead letter. It has the form dataset@topic/partition:offset#ordinal.");

    private static IResult Answer(RedriveOutcome outcome, bool dryRun) => Results.Ok(new RedriveAnswer(
        dryRun,
        [.. outcome.Planned.Select(planned => new RedrivenAnswer(
            planned.Id.ToString(), planned.Position is { } position ? new(position.Topic, position.Partition, position.Offset) : null,
            dryRun ? "planned" : planned.Result switch
            {
                RedriveResult.Folded => "folded",
                RedriveResult.FailedAgain => "failed again",
                _ => "pending",
            }))],
        [.. outcome.Done.Select(id => id.ToString())],
        [
            .. outcome.Refused.Select(refused => new RedriveRefusal(refused.Id.ToString(), refused.Reason)),
        ], outcome.Next, outcome.End));

    /// <summary>What a redrive is asked for.</summary>
    /// <param name="Ids">These dead letters.</param>
    /// <param name="Dataset">Or all open ones of this dataset.</param>
    /// <param name="All">Or all that are open.</param>
    /// <param name="DryRun">Say what would be done, and do nothing.</param>
    /// <param name="Limit">The most that are redriven.</param>
    /// <param name="From">Where to go on, as an answer's next said.</param>
    /// <param name="Until">Where to end, as the first answer's end said.</param>
    /// <param name="WaitSeconds">How long to wait for them to be folded.</param>
    internal sealed record RedriveBody(
        IReadOnlyList<string>? Ids, string? Dataset, bool? All, bool? DryRun, int? Limit, long? From, long? Until, double? WaitSeconds);
}

internal sealed record DeadLetterPageAnswer(string Topic, long Records, IReadOnlyList<DeadLetterAnswer> Items, long? Next);

internal sealed record DeadLetterAnswer(
    string Id, string Dataset, PositionAnswer Position, int Ordinal, string? Key, string Reason, DateTimeOffset? Time, string State,
    bool CanRedrive,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Refusal,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? First,
    long? ValueBytes,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? KeyBase64,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Value,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ValueBase64,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Complete)
{
    internal static DeadLetterAnswer Of(DeadLetterStatus status, bool withOriginal)
    {
        var (letter, id) = (status.Letter, status.Letter.Id);
        var text = withOriginal && letter.Value is { } value && Utf8.IsValid(value) ? Encoding.UTF8.GetString(value) : null;
        return new(
            id.ToString(), id.Dataset, new(id.Position.Topic, id.Position.Partition, id.Position.Offset), id.Index, letter.Key,
            letter.Reason, TimeOf(letter.Timestamp),
            status.State.ToString().ToLowerInvariant(), status is { State: DeadLetterState.Open, Refusal: null },
            status.State == DeadLetterState.Folded ? null : status.Refusal, letter.First?.ToString(),
            letter.ValueBytes ?? letter.Value?.Length,
            letter.Key is null && letter.KeyBytes is { } key ? Convert.ToBase64String(key) : null, withOriginal ? letter.Error : null, text,
            withOriginal && text is null && letter.Value is { } bytes ? Convert.ToBase64String(bytes) : null,
            withOriginal ? letter.IsComplete : null);
    }

    private static DateTimeOffset? TimeOf(long timestamp) =>
        timestamp >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && timestamp <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(timestamp)
            : null;
}

internal sealed record RedriveAnswer(
    bool DryRun, IReadOnlyList<RedrivenAnswer> Appended, IReadOnlyList<string> Done, IReadOnlyList<RedriveRefusal> Refused, long? Next,
    long? End);

internal sealed record RedrivenAnswer(string Id, PositionAnswer? Position, string Outcome);

internal sealed record RedriveRefusal(string Id, string Reason);
