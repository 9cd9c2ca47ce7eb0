using System.CommandLine;
using System.Text.Json.Nodes;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Commands;

internal static class WatchCommand
{
    public static Command Create(Shell shell)
    {
        var dataset = new Argument<string>("DATASET") { Description = "An entity or a view." };
        var key = new Argument<string>("KEY") { Description = "The key; slashes may be a part of it." };
        var since = new Option<string?>("--since") { Description = "Only the changes after this event id, as b1/0:17:0." };
        var command = new Command(
            "watch",
            "Shows the state of a key, then every change to it until Ctrl+C. Example: actorstreams watch folder src")
        {
            dataset, key, since,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var events = client.WatchAsync<JsonNode>(
                parse.GetRequiredValue(dataset), parse.GetRequiredValue(key), parse.GetValue(since), cancellationToken);
            await foreach (var change in events.ConfigureAwait(false))
                Show(shell, change);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Show(Shell shell, WatchEvent<JsonNode> change)
    {
        if (shell.IsPlain)
        {
            shell.JsonLine(change);
            return;
        }

        var after = change.After?.ToJsonString(WireJson.Options) ?? "(no state)";
        if (change.Kind == WatchEventKind.State)
        {
            shell.Screen.MarkupLineInterpolated($"[grey]{change.Time:u} {change.Id}[/] [bold]{after}[/]");
            return;
        }

        if (change.Before?.ToJsonString(WireJson.Options) is { } before)
            shell.Screen.MarkupLineInterpolated($"[grey]{change.Time:u} {change.Id}[/] [red]{before}[/]");
        shell.Screen.MarkupLineInterpolated($"[grey]{change.Time:u} {change.Id}[/] [green]{after}[/] [grey]by {change.Cause?.Root}[/]");
    }
}
