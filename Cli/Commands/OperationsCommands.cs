using System.CommandLine;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Commands;

/// <summary><c>silos</c>, <c>partitions</c> and <c>health</c>: how the cluster is doing.</summary>
internal static class OperationsCommands
{
    public static Command Silos(Shell shell)
    {
        var command = new Command("silos", "Shows the silos of the cluster and how many partitions each has. Example: actorstreams silos");
        shell.Handle(command, async (_, client, cancellationToken) =>
        {
            shell.Table(
                await client.Operations.SilosAsync(cancellationToken).ConfigureAwait(false),
                ["silo", "address", "status", "partitions", "states", "gap (records)"],
                s => [s.Name
                    + (s.IsThis ? " (this one)" : ""), s.Address, s.Status, $"{s.Partitions}", $"{s.States:N0}", $"{s.BehindRecords:N0}"]);
            return ExitCodes.Ok;
        });
        return command;
    }

    public static Command Partitions(Shell shell)
    {
        var dataset = new Argument<string?>("DATASET") { Description = "Only this dataset.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command(
            "partitions",
            "Shows who owns each partition, where it stands and how far it is behind. Example: actorstreams partitions order") { dataset };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            shell.Table(
                await client.Operations.PartitionsAsync(parse.GetValue(dataset), cancellationToken).ConfigureAwait(false),
                [
                    "dataset", "partition", "owner", "next", "end", "states", "gap (records)", "lag (s)", "checkpoint age (s)",
                    "dead letters", "status",
                ],
                p =>
                [
                    p.Dataset ?? "", $"{p.Partition}", p.Silo ?? "?", $"{p.NextOffset}", $"{p.EndOffset}", $"{p.States:N0}",
                    $"{p.Behind?.Records:N0}", $"{p.Behind?.Seconds:N1}",
                    $"{p.CheckpointAgeSeconds:N1}", $"{p.OpenDeadLetters:N0}",
                    Words.Of(p.Status) + (p.Reason is null ? "" : $": {p.Reason}"),
                ]);
            return ExitCodes.Ok;
        });
        return command;
    }

    public static Command Health(Shell shell)
    {
        var command = new Command(
            "health",
            "Says whether the silo is ready and what does not fold; exit code 1 when it is not ready or something does not. "
            + "Example: actorstreams health");
        shell.Handle(command, async (_, client, cancellationToken) =>
        {
            var health = await client.Operations.HealthAsync(cancellationToken).ConfigureAwait(false);
            if (shell.IsPlain)
                shell.JsonLine(health);
            else
            {
                shell.Screen.WriteLine(health.Reason is null ? Words.Of(health.Status) : $"{Words.Of(health.Status)}: {health.Reason}");
                foreach (var trouble in health.Troubles)
                    shell.Fail(trouble);
            }

            return health.IsReady && health.Troubles.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }
}
