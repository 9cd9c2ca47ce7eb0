using System.Text.Unicode;
using System.Text;
using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Grains.DeadLetters;
using ActorStreams.Protocol;
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
                "What could not be folded, with its reason. state is open, folded, dismissed or unknown; before is the next of "
                + "the page before. "
                + "A page looks through at most 10,000 records, so it may be short and have a next all the same.")
            .Produces<DeadLetterPage>().ProducesProblem(400);
        api.MapPost("/redrive", RedriveAsync).WithSummary("Redrive")
            .WithDescription(
                "Appends what was set aside again, to be folded once. Either ids, or dataset, or all: true; "
                + "for the latter two dryRun is true unless it is said. What is dismissed needs ids and dismissed: true. "
                + "Up to 1,000 in a call; "
                + "next and end are the from and until of the next one. Wants the header X-ActorStreams: operate.")
            .Produces<RedriveInfo>().ProducesProblem(400).ProducesProblem(403);
        api.MapDismiss();
        api.MapSetAside();
        api.MapGet("/{**id}", GetAsync).WithSummary("A dead letter").WithDescription(
            "With its error and the original. It is looked for among the newest 100,000.")
            .Produces<DeadLetterInfo>().ProducesProblem(400).ProducesProblem(404);
    }

    private static async Task<IResult> ListAsync(
        string? dataset, string? state, long? before, int? limit, [FromServices] DeadLetterReader letters, [FromServices] Topology topology,
        CancellationToken stop)
    {
        if (!Words.TryParse<DeadLetterState>(state, out var wanted) && state is not null)
            return Problems.Of(
                400, "Bad state", $"state is '{state}', but must be one of: {string.Join(", ", Words.All<DeadLetterState>())}.");
        if (limit is < 1 or > DeadLetterReader.MaxPage)
            return Problems.Of(400, "Bad limit", $"limit is {limit}, but a page has 1 to {DeadLetterReader.MaxPage} dead letters.");
        if (before < 0)
            return Problems.Of(400, "Bad offset", $"before is {before}, but must not be negative.");
        var page = await letters.PageAsync(dataset, state is null ? null : wanted, before, limit ?? DefaultPage, stop);
        return Results.Ok(
            new DeadLetterPage(
                topology.DeadLetterTopic,
                page.Range.End - page.Range.Start, [.. page.Items.Select(item => Info(item, withOriginal: false))], page.Next));
    }

    private static async Task<IResult> GetAsync(string id, [FromServices] DeadLetterReader letters, CancellationToken stop)
    {
        // A route leaves an encoded slash as it is.
        var text = id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        if (!DeadLetterId.TryParse(text, out var wanted))
            return BadId(text);
        if (!(await letters.FindAsync([wanted], stop)).TryGetValue(wanted, out var letter))
            return Problems.Of(
                404, "No such dead letter", $"There is no dead letter '{text}' among the newest {DeadLetterReader.MaxSought}.");
        return Results.Ok(Info((await letters.StatusAsync([letter], stop))[0], withOriginal: true));
    }

    private static async Task<IResult> RedriveAsync(
        [FromBody] RedriveRequest body, HttpContext http, [FromServices] Redriver redriver, [FromServices] Topology topology)
    {
        if (FaultOfHeader(http) is { } fault)
            return fault;
        var (ids, wait) = (body.Ids ?? [], body.WaitSeconds ?? DefaultWaitSeconds);
        if (FaultOfChoice(topology, ids, body.Dataset, body.All, Redriver.MaxAtOnce, out var wanted) is { } bad)
            return bad;
        if (body.Dismissed == true && ids.Count == 0)
            return Problems.Of(400, "Which?", "What is dismissed is redriven by its ids alone: give ids with dismissed: true.");
        if (!(wait >= 0 && wait <= Redriver.MaxWaitSeconds))
            return Problems.Of(400, "Bad time limit", $"waitSeconds is {wait}, but must be from 0 to {Redriver.MaxWaitSeconds}.");
        // Once begun it is finished, also when the caller disconnects: an append cannot be undone.
        if (ids.Count == 0)
        {
            var limit = body.Limit ?? Redriver.MaxAtOnce;
            if (FaultOfRange(limit, Redriver.MaxAtOnce, body.From, body.Until) is { } wrong)
                return wrong;
            var dryRun = body.DryRun ?? true;
            return Answer(
                await redriver.RedriveOpenAsync(body.Dataset, body.From ?? 0, body.Until, limit, dryRun, wait, CancellationToken.None),
                dryRun);
        }

        return Answer(
            await redriver.RedriveAsync(wanted, body.Dismissed ?? false, body.DryRun ?? false, wait, CancellationToken.None),
            body.DryRun ?? false);
    }

    /// <summary>What is wrong with the dead letters that a request names; null when nothing is.</summary>
    internal static IResult? FaultOfChoice(
        Topology topology, IReadOnlyList<string> ids, string? dataset, bool? all, int maxIds, out List<DeadLetterId> wanted)
    {
        wanted = [];
        if ((ids.Count > 0 ? 1 : 0) + (dataset is null ? 0 : 1) + (all == true ? 1 : 0) != 1)
            return Problems.Of(400, "Which?", "Give exactly one of ids, dataset, and all: true.");
        if (dataset is not null && !topology.TryGet(dataset, out _))
            return Problems.NoSuchDataset(topology, dataset);
        if (ids.Count > maxIds)
            return Problems.Of(400, "Too many at once", $"{ids.Count} ids are given, but a call takes {maxIds}. Send them in several.");
        foreach (var text in ids)
        {
            if (!DeadLetterId.TryParse(text, out var id))
                return BadId(text);
            wanted.Add(id);
        }

        return null;
    }

    /// <summary>What is wrong with the part of the topic that a request names; null when nothing is.</summary>
    internal static IResult? FaultOfRange(int limit, int max, long? from, long? until) =>
        limit >= 1 && limit <= max && !(from < 0) && !(until < 0)
            ? null
            : Problems.Of(400, "Bad limit", $"limit is {limit}, but must be from 1 to {max}; from and until are not negative.");

    /// <summary>What is wrong with a request that changes something and lacks the header; null when it has it.</summary>
    internal static IResult? FaultOfHeader(HttpContext http) => http.Request.Headers[OperateHeader] == OperateValue
        ? null
        : Problems.Of(
            403, "Not by a browser alone",
            $"This changes something, and so wants the header {OperateHeader}: {OperateValue}, which pages of other sites cannot send.");

    private static IResult BadId(string? text) =>
        Problems.Of(400, "Bad id", $"'{text}' is the id of no dead letter. It has the form dataset@topic/partition:offset#index.");

    private static IResult Answer(RedrivePlan plan, bool dryRun) => Results.Ok(new RedriveInfo(
        dryRun,
        [.. plan.Planned.Select(planned => new RedrivenInfo(planned.Id.ToString(), planned.Position, planned.Outcome))],
        [.. plan.Done.Select(id => id.ToString())],
        [.. plan.Refused.Select(refused => new RefusedRedrive(refused.Id.ToString(), refused.Reason))],
        plan.Next,
        plan.End));

    private static DeadLetterInfo Info(DeadLetterStatus status, bool withOriginal)
    {
        var (letter, id) = (status.Letter, status.Letter.Id);
        var text = withOriginal && letter.Value is { } value && Utf8.IsValid(value) ? Encoding.UTF8.GetString(value) : null;
        return new()
        {
            Id = id.ToString(),
            Dataset = id.Dataset,
            Position = id.Position,
            Index = id.Index,
            Key = letter.Key,
            Reason = letter.Reason,
            Time = TimeOf(letter.Timestamp),
            State = status.State,
            CanRedrive = status is { State: DeadLetterState.Open, Refusal: null },
            Dismissed = status.Dismissal is { } dismissal
                ? new(dismissal.By, DateTimeOffset.FromUnixTimeMilliseconds(dismissal.At), dismissal.Reason)
                : null,
            Refusal = status.State == DeadLetterState.Folded ? null : status.Refusal,
            First = letter.First?.ToString(),
            ValueBytes = letter.ValueBytes ?? letter.Value?.Length,
            KeyBase64 = letter.Key is null && letter.KeyBytes is { } key ? Convert.ToBase64String(key) : null,
            Error = withOriginal ? letter.Error : null,
            Value = text,
            ValueBase64 = withOriginal && text is null && letter.Value is { } bytes ? Convert.ToBase64String(bytes) : null,
            Complete = withOriginal ? letter.IsComplete : null,
        };
    }

    private static DateTimeOffset? TimeOf(long timestamp) =>
        timestamp >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && timestamp <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(timestamp)
            : null;
}
