using System.CommandLine;
using ActorStreams.Cli.Terminal;
using ActorStreams.Protocol;

namespace ActorStreams.Cli.Commands;

/// <summary><c>builds</c>, <c>rebuild</c>, <c>cutover</c>, <c>rollback</c> and <c>retire</c>.</summary>
internal static class BuildsCommands
{
    public static Command Builds(Shell shell)
    {
        var command = new Command(
            "builds",
            "Shows the builds of all datasets: which readers get, why each exists and how far it is. Example: actorstreams builds");
        shell.Handle(command, async (_, client, cancellationToken) =>
        {
            Show(shell, await client.Builds.ListAsync(cancellationToken).ConfigureAwait(false));
            return ExitCodes.Ok;
        });
        return command;
    }

    public static Command Rebuild(Shell shell)
    {
        var dataset = Dataset();
        var wait = new Option<bool>("--wait") { Description = "Wait until they have caught up, and show how far they are." };
        var command = new Command(
            "rebuild",
            "Folds a dataset and what depends on it again, beside what readers get. Example: actorstreams rebuild order --wait")
        {
            dataset, wait,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var name = parse.GetRequiredValue(dataset);
            var made = BuildWait.NewestOf(name, await client.Builds.RebuildAsync(name, cancellationToken).ConfigureAwait(false));
            if (parse.GetValue(wait))
                return await new BuildWait(shell, client, name, made).RunAsync(cancellationToken).ConfigureAwait(false);
            Show(shell, made);
            shell.Note("They are folded beside what readers get. See how far they are with 'actorstreams builds'.");
            return ExitCodes.Ok;
        });
        return command;
    }

    public static Command Cutover(Shell shell)
    {
        var dataset = new Argument<string?>("DATASET")
        {
            Description = "Only this dataset and what is connected with it.", Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command(
            "cutover", "Moves readers to the newest builds, in one step, once those have caught up. Example: actorstreams cutover order")
        {
            dataset,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            Show(shell, await client.Builds.CutoverAsync(parse.GetValue(dataset), cancellationToken).ConfigureAwait(false));
            return ExitCodes.Ok;
        });
        return command;
    }

    public static Command Rollback(Shell shell)
    {
        var dataset = Dataset();
        var command = new Command(
            "rollback",
            "Moves readers of a dataset, and of what depends on it, back to the builds that they had before. "
            + "Example: actorstreams rollback order") { dataset };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            Show(shell, await client.Builds.RollbackAsync(parse.GetRequiredValue(dataset), cancellationToken).ConfigureAwait(false));
            return ExitCodes.Ok;
        });
        return command;
    }

    public static Command Retire(Shell shell)
    {
        var dataset = Dataset();
        var build = new Argument<int>("BUILD") { Description = "The build's number, as 'actorstreams builds' shows it." };
        var command = new Command(
            "retire",
            "Deletes a build that readers do not get, and those that it feeds. Example: actorstreams retire order 1") { dataset, build };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            Show(shell, await client.Builds.RetireAsync(
                parse.GetRequiredValue(dataset), parse.GetRequiredValue(build), cancellationToken).ConfigureAwait(false));
            return ExitCodes.Ok;
        });
        return command;
    }

    internal static void Show(Shell shell, IReadOnlyCollection<BuildInfo> builds) => shell.Table(
        builds, ["build", "status", "version", "states", "progress", "states sent", "records/s", "left", "gap (records)", "why"],
        build =>
        [
            $"{build.Dataset}@{build.Build}",
            Words.Of(build.Status) + (build is { IsActive: true, Status: BuildStatus.Frozen } ? ", active" : ""),
            $"{build.Version}", $"{build.States:N0}", $"{build.Progress:P1}",
            build.Backfill is { } sent ? $"{sent.StatesSent:N0} of {sent.StatesToSend:N0} ({sent.Share:P0} of the time)" : "",
            $"{build.RecordsPerSecond:N0}", Left(build), $"{build.BehindRecords:N0}",
            build.Why + (build.NotReady is null ? "" : $" Not ready: {build.NotReady}"),
        ]);

    internal static string Left(BuildInfo build) => build.SecondsLeft switch
    {
        null => "",
        < 120 => $"{build.SecondsLeft:N0} s",
        < 7_200 => $"{build.SecondsLeft / 60:N0} min",
        _ => $"{build.SecondsLeft / 3_600:N0} h",
    };

    private static Argument<string> Dataset() => new("DATASET") { Description = "An entity or a view." };
}
