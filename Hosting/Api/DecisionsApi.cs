using ActorStreams.Definitions;
using ActorStreams.Grains.DeadLetters;
using ActorStreams.Grains.Reads;
using ActorStreams.Hosting.Security;
using ActorStreams.Log;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Mvc;

namespace ActorStreams.Hosting.Api;

/// <summary>
/// What an operator decides beside a redrive: that a dead letter needs none, and that a partition which has stopped sets its record aside.
/// </summary>
internal static class DecisionsApi
{
    /// <summary>Ids that the audit log names; of more it has the number.</summary>
    private const int MaxNamed = 5;

    /// <summary>Below the time that a call to another silo may take.</summary>
    private const double MaxWaitSeconds = 20;

    private const double DefaultWaitSeconds = 10;

    internal static void MapDismiss(this IEndpointRouteBuilder letters) =>
        letters.MapPost("/dismiss", DismissAsync).WithSummary("Dismiss")
            .WithDescription(
                "Dismisses dead letters with a reason, so that they are no longer open. Nothing that is folded changes. Either ids, or "
                + "dataset, or all: true; for the latter two dryRun is true unless it is said, and what is open or unknown is meant. "
                + "Up to 1,000 in a call; next and end are the from and until of the next one. Wants the header X-ActorStreams: operate.")
            .Produces<DismissInfo>().ProducesProblem(400).ProducesProblem(403).ProducesProblem(404);

    private static async Task<IResult> DismissAsync(
        [FromBody] DismissRequest body, HttpContext http, [FromServices] Dismisser dismisser, [FromServices] Topology topology)
    {
        if (DeadLettersApi.FaultOfHeader(http) is { } refused)
            return refused;
        var (ids, limit) = (body.Ids ?? [], body.Limit ?? Dismisser.MaxAtOnce);
        if (DeadLettersApi.FaultOfChoice(topology, ids, body.Dataset, body.All, Dismisser.MaxAtOnce, out var wanted) is { } bad)
            return bad;
        if (DeadLettersApi.FaultOfRange(limit, Dismisser.MaxAtOnce, body.From, body.Until) is { } wrong)
            return wrong;
        if (string.IsNullOrWhiteSpace(body.Reason) || body.Reason.Length > Dismisser.MaxReasonChars)
            return Problems.Of(
                400, "Bad reason",
                $"reason has {body.Reason?.Trim().Length ?? 0} characters, but says in 1 to {Dismisser.MaxReasonChars} of them why no "
                + "redrive is needed.");
        var text = new DismissalText(Caller.Printable(Caller.SubjectOf(http.User) ?? "(unknown)"), body.Reason.Trim());
        var dryRun = body.DryRun ?? ids.Count == 0;
        // Once begun it is finished, also when the caller goes away: an append has no way back.
        var outcome = ids.Count == 0
            ? await dismisser.DismissOpenAsync(body.Dataset, body.From ?? 0, body.Until, limit, text, dryRun, CancellationToken.None)
            : await dismisser.DismissAsync(wanted, text, dryRun, CancellationToken.None);
        AuditLog.Concerns(http, Named(outcome, dryRun));
        return Results.Ok(new DismissInfo(
            dryRun, [.. outcome.Dismissed.Select(id => id.ToString())], [.. outcome.Done.Select(id => id.ToString())],
            [.. outcome.Refused.Select(one => new RefusedRedrive(one.Id.ToString(), one.Reason))], outcome.Next, outcome.End));
    }

    private static string Named(DismissOutcome outcome, bool dryRun) => (dryRun ? "dry run of " : "")
        + (outcome.Dismissed.Count is > 0 and <= MaxNamed
            ? string.Join(", ", outcome.Dismissed)
            : $"{outcome.Dismissed.Count} dead letters");

    internal static void MapSetAside(this IEndpointRouteBuilder letters) =>
        letters.MapPost("/set-aside", SetAsideAsync).WithSummary("Set the record aside before which a partition has stopped")
            .WithDescription(
                "Makes it a dead letter, and lets the partition continue. offset is the partition's stoppedAt; where the partition stands "
                + "elsewhere, the answer is 409. Answers when a checkpoint with it is written. Wants the header X-ActorStreams: operate.")
            .Produces<SetAsideInfo>().ProducesProblem(400).ProducesProblem(403).ProducesProblem(404).ProducesProblem(409)
            .ProducesProblem(503);

    private static async Task<IResult> SetAsideAsync(
        [FromBody] SetAsideRequest body, HttpContext http, [FromServices] DatasetReads reads, [FromServices] Topology topology)
    {
        if (DeadLettersApi.FaultOfHeader(http) is { } refused)
            return refused;
        var wait = body.WaitSeconds ?? DefaultWaitSeconds;
        if (!(wait > 0 && wait <= MaxWaitSeconds))
            return Problems.Of(400, "Bad time limit", $"waitSeconds is {wait}, but must be above 0 and at most {MaxWaitSeconds}.");
        if (!topology.TryGet(body.Dataset, out var dataset))
            return Problems.NoSuchDataset(topology, body.Dataset);
        if (body.Partition < 0 || body.Partition >= dataset.Partitions)
            return Problems.Of(
                404, "No such partition", $"{dataset} has {dataset.Partitions} partitions, numbered from 0: there is no {body.Partition}.");
        if (body.Offset < 0)
            return Problems.Of(400, "Bad offset", $"offset is {body.Offset}, but must not be negative.");
        var position = new Position(dataset.Topic, body.Partition, body.Offset);
        AuditLog.Concerns(http, $"{dataset.Name}@{position}");
        // Once ordered it is carried out, also when the caller goes away.
        await reads.SetAsideAsync(dataset, body.Partition, body.Offset, TimeSpan.FromSeconds(wait), CancellationToken.None);
        return Results.Ok(new SetAsideInfo(dataset.Name, position));
    }
}
