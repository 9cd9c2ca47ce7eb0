using System.CommandLine;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.DeadLetters;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Commands;

/// <summary><c>deadletters list</c>, <c>show</c> and <c>redrive</c>.</summary>
internal static class DeadLettersCommand
{
    private const int DefaultLimit = 50;

    public static Command Create(Shell shell) =>
        new("deadletters", "Shows what could not be folded, and has it folded once the definition is mended.")
        {
            List(shell),
            Show(shell),
            Redrive(shell),
            Dismiss(shell),
            SetAside(shell),
        };

    private static Command List(Shell shell)
    {
        var dataset = new Option<string?>("--dataset") { Description = "Only of this dataset." };
        var state = new Option<DeadLetterState?>("--state") { Description = "Only those that are open, folded, dismissed or unknown." };
        var limit = new Option<int>("--limit") { Description = "At most so many.", DefaultValueFactory = _ => DefaultLimit };
        var command = new Command(
            "list",
            "Lists dead letters, newest first. Example: actorstreams deadletters list --dataset order --state open")
        {
            dataset, state, limit,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var letters = await client.Operations.DeadLettersAsync(parse.GetValue(dataset), parse.GetValue(state), cancellationToken)
                .Take(parse.GetValue(limit))
                .ToListAsync(cancellationToken).ConfigureAwait(false);
            shell.Table(
                letters, ["id", "key", "state", "time", "reason"],
                l =>
                [
                    l.Id, l.Key ?? "", Words.Of(l.State), $"{l.Time:u}",
                    l.Reason + (l.First is null ? "" : $" (first {l.First})") + Dismissed(l.Dismissed),
                ]);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show(Shell shell)
    {
        var id = new Argument<string>("ID") { Description = "As the list shows it: dataset@topic/partition:offset#index." };
        var command = new Command(
            "show",
            "Shows a dead letter with its error and the original. Example: actorstreams deadletters show 'order@shop.orders/0:17#0'")
        {
            id,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var letter = await client.Operations.DeadLetterAsync(parse.GetRequiredValue(id), cancellationToken).ConfigureAwait(false);
            if (shell.IsPlain)
            {
                shell.JsonLine(letter);
                return ExitCodes.Ok;
            }

            shell.Screen.MarkupLineInterpolated(
                $"[bold]{letter.Id}[/] [aqua]{letter.Key}[/] [grey]{Words.Of(letter.State)} {letter.Time:u}[/]");
            shell.Screen.MarkupLineInterpolated($"{letter.Reason}");
            if (letter.Dismissed is not null)
                shell.Screen.MarkupLineInterpolated($"[grey]{Dismissed(letter.Dismissed).Trim()}[/]");
            if (letter.Refusal is not null)
                shell.Screen.MarkupLineInterpolated($"[yellow]{letter.Refusal}[/]");
            shell.Screen.WriteLine(letter.Value ?? letter.ValueBase64 ?? "(no value)");
            if (letter.Error is not null)
                shell.Screen.MarkupLineInterpolated($"[grey]{letter.Error}[/]");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Redrive(Shell shell)
    {
        var ids = new Argument<string[]>("ID") { Description = "Dead letters, as the list shows them.", Arity = ArgumentArity.ZeroOrMore };
        var dataset = new Option<string?>("--dataset") { Description = "All open ones of this dataset." };
        var all = new Option<bool>("--all") { Description = "All that are open." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Say what would be done, and do nothing." };
        var dismissed = new Option<bool>("--dismissed") { Description = "With IDs: also those that are dismissed." };
        var command = new Command(
            "redrive",
            "Appends dead letters again; each is folded once, however often this is done. Mend the definition first. "
            + "Example: actorstreams deadletters redrive --dataset order --dry-run")
        {
            ids, dataset, all, dryRun, dismissed,
        };
        RequireOne(command, ids, dataset, all);
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var (given, dry) = (parse.GetValue(ids) ?? [], parse.GetValue(dryRun));
            var outcome = given.Length > 0
                ? await client.Operations.RedriveAsync(given, dry, parse.GetValue(dismissed), cancellationToken).ConfigureAwait(false)
                : await client.Operations.RedriveOpenAsync(parse.GetValue(dataset), dry, cancellationToken).ConfigureAwait(false);
            Report(shell, outcome);
            return outcome.Refused.Count > 0 || outcome.Appended.Any(one => one.Outcome == RedriveOutcome.FailedAgain)
                ? ExitCodes.Failed
                : ExitCodes.Ok;
        });
        return command;
    }

    private static Command Dismiss(Shell shell)
    {
        var ids = new Argument<string[]>("ID") { Description = "Dead letters, as the list shows them.", Arity = ArgumentArity.ZeroOrMore };
        var reason = new Option<string>("--reason") { Description = "Why no redrive is needed.", Required = true };
        var dataset = new Option<string?>("--dataset") { Description = "All of this dataset that are open or unknown." };
        var all = new Option<bool>("--all") { Description = "All that are open or unknown." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Say what would be done, and do nothing." };
        var command = new Command(
            "dismiss",
            "Dismisses dead letters that need no redrive: they are no longer open. Nothing that is folded changes. "
            + "Example: actorstreams deadletters dismiss 'order@shop.orders/0:17#0' --reason 'A test of the producer.'")
        {
            ids, reason, dataset, all, dryRun,
        };
        RequireOne(command, ids, dataset, all);
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var (given, why, dry) = (parse.GetValue(ids) ?? [], parse.GetRequiredValue(reason), parse.GetValue(dryRun));
            var outcome = given.Length > 0
                ? await client.Operations.DismissAsync(given, why, dry, cancellationToken).ConfigureAwait(false)
                : await client.Operations.DismissOpenAsync(parse.GetValue(dataset), why, dry, cancellationToken).ConfigureAwait(false);
            foreach (var refused in outcome.Refused)
                shell.Fail($"{refused.Id}: {refused.Reason}");
            shell.Note(
                $"{outcome.Dismissed.Count:N0} {(outcome.DryRun ? "would be dismissed" : "dismissed")}, "
                + $"{outcome.Done.Count:N0} dismissed before, {outcome.Refused.Count:N0} refused.");
            return outcome.Refused.Count > 0 ? ExitCodes.Failed : ExitCodes.Ok;
        });
        return command;
    }

    private static void RequireOne(Command command, Argument<string[]> ids, Option<string?> dataset, Option<bool> all) =>
        command.Validators.Add(result =>
        {
            if ((result.GetValue(ids) is { Length: > 0 } ? 1 : 0) + (result.GetValue(dataset) is null ? 0 : 1)
                + (result.GetValue(all) ? 1 : 0) != 1)
                result.AddError("Give either IDs, --dataset or --all.");
        });

    private static string Dismissed(DismissalInfo? dismissal) =>
        dismissal is null ? "" : $" (dismissed by {dismissal.By} at {dismissal.At:u}: {dismissal.Reason})";

    private static Command SetAside(Shell shell)
    {
        var dataset = new Argument<string>("DATASET") { Description = "The dataset that has stopped." };
        var partition = new Argument<int>("PARTITION") { Description = "Its partition." };
        var offset = new Argument<long>("OFFSET") { Description = "Where it stands, as actorstreams partitions shows it." };
        var command = new Command(
            "set-aside",
            "Sets aside the record before which a partition has stopped, and lets it continue. "
            + "Example: actorstreams deadletters set-aside order 0 17")
        {
            dataset, partition, offset,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var done = await client.Operations.SetAsideAsync(
                parse.GetRequiredValue(dataset), parse.GetValue(partition), parse.GetValue(offset), cancellationToken)
                .ConfigureAwait(false);
            shell.Note($"{done.Position} is set aside, and {done.Dataset} continues.");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Report(Shell shell, RedriveInfo outcome)
    {
        shell.Table(
            outcome.Appended, ["id", "appended at", "outcome"], one => [one.Id, one.Position?.ToString() ?? "", Words.Of(one.Outcome)]);
        foreach (var refused in outcome.Refused)
            shell.Fail($"{refused.Id}: {refused.Reason}");
        shell.Note(
            $"{outcome.Appended.Count:N0} {(outcome.DryRun ? "would be appended" : "appended")}, {outcome.Done.Count:N0} folded before, "
            + $"{outcome.Refused.Count:N0} refused.");
    }
}
