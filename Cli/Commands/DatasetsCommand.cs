using System.CommandLine;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;

namespace ActorStreams.Cli.Commands;

internal static class DatasetsCommand
{
    public static Command Create(Shell shell)
    {
        var command = new Command("datasets", "Shows all datasets and how far they are behind. Example: actorstreams datasets");
        shell.Handle(command, async (_, client, cancellationToken) =>
        {
            Show(shell, await client.DatasetsAsync(cancellationToken).ConfigureAwait(false));
            return ExitCodes.Ok;
        });
        return command;
    }

    public static void Show(Shell shell, IReadOnlyCollection<DatasetInfo> datasets) => shell.Table(
        datasets,
        ["dataset", "kind", "from", "version", "partitions", "states", "gap (records)", "lag (s)", "status"],
        d =>
        [
            d.Name, Words.Of(d.Kind), d.Sources is { Count: > 0 } sources ? string.Join(", ", sources) : d.Topic,
            $"{d.Version}", $"{d.Partitions}", $"{d.States:N0}", $"{d.Behind?.Records:N0}", $"{d.Behind?.Seconds:N1}",
            Words.Of(d.Status) + (d.Misplaced > 0 ? $", {d.Misplaced:N0} misplaced" : ""),
        ]);
}
