using System.CommandLine;
using ActorStreams.Cli.Terminal;
using ActorStreams.Protocol;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;

namespace ActorStreams.Cli.Commands;

internal static class TopicsCommand
{
    public static Command Create(Shell shell)
    {
        var command = new Command("topics", "Shows the topics of the change log and what they hold. Example: actorstreams topics");
        shell.Handle(command, async (_, client, cancellationToken) =>
        {
            shell.Table(
                await client.TopicsAsync(cancellationToken).ConfigureAwait(false),
                ["topic", "kind", "partitions", "records", "offsets"],
                t =>
                [
                    t.Topic, Words.Of(t.Kind), $"{t.Partitions.Count}", $"{t.Partitions.Sum(p => p.End - p.Start):N0}",
                    string.Join("  ", t.Partitions.Select(p => $"{p.Partition}:{p.Start}-{p.End}")),
                ]);
            return ExitCodes.Ok;
        });
        return command;
    }
}
