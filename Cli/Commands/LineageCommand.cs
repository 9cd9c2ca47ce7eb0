using System.CommandLine;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Commands;

internal static class LineageCommand
{
    public static Command Create(Shell shell)
    {
        var command = new Command("lineage", "Draws which dataset is derived from what. Example: actorstreams lineage");
        shell.Handle(command, async (_, client, cancellationToken) =>
        {
            var lineage = await client.LineageAsync(cancellationToken).ConfigureAwait(false);
            if (shell.IsPlain)
                shell.JsonLine(lineage);
            else
                Draw(shell.Screen, lineage);
            return ExitCodes.Ok;
        });
        return command;
    }

    // A dataset of several sources stands below each of them, but what follows from it is drawn only the first time.
    private static void Draw(IAnsiConsole screen, LineageInfo lineage)
    {
        HashSet<string> drawn = [];
        foreach (var topic in lineage.Topics)
        {
            var tree = new Tree(Markup.FromInterpolated($"[yellow]{topic.Name}[/] [grey]topic, {topic.Partitions} partitions[/]"));
            AddTargets(tree, new(LineageNodeKind.Topic, topic.Name));
            screen.Write(tree);
        }

        void AddTargets(IHasTreeNodes parent, LineageNode from)
        {
            foreach (var name in lineage.Edges.Where(e => e.From == from).Select(e => e.To))
            {
                var dataset = lineage.Datasets.FirstOrDefault(d => d.Name == name);
                var first = drawn.Add(name);
                var kind = dataset is null ? "" : $"{Words.Of(dataset.Kind)}, version {dataset.Version}";
                var node = parent.AddNode(Markup.FromInterpolated($"[aqua]{name}[/] [grey]{kind}{(first ? "" : ", drawn above")}[/]"));
                if (first)
                    AddTargets(node, new(LineageNodeKind.Dataset, name));
            }
        }
    }
}
