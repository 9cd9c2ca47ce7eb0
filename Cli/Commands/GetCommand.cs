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

internal static class GetCommand
{
    public static Command Create(Shell shell)
    {
        var dataset = new Argument<string>("DATASET") { Description = "An entity or a view." };
        var key = new Argument<string>("KEY") { Description = "The key; slashes may be a part of it." };
        var atLeast = new Option<string[]>("--at-least")
        {
            Description = "Wait until the state includes this position of a source topic, topic/partition:offset. "
                + "It may be given several times.",
        };
        var timeout = new Option<double?>("--timeout") { Description = "How long --at-least waits, in seconds." };
        var command = new Command(
            "get", "Shows the state of a key; exit code 3 when it has none. Example: actorstreams get file src/Program.cs")
        {
            dataset, key, atLeast, timeout,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var positions = (parse.GetValue(atLeast) ?? []).Select(Positions.Parse).ToList();
            var options = new ReadOptions { AlsoAtLeast = positions, TimeoutSeconds = parse.GetValue(timeout) };
            var (name, wanted) = (parse.GetRequiredValue(dataset), parse.GetRequiredValue(key));
            if (await client.GetAsync<JsonNode>(name, wanted, options, cancellationToken).ConfigureAwait(false) is not { } state)
            {
                shell.Fail($"'{name}' has no state for the key '{wanted}'.");
                return ExitCodes.NoSuchKey;
            }

            Show(shell, state);
            return ExitCodes.Ok;
        });
        return command;
    }

    public static void Show(Shell shell, DatasetState<JsonNode> state)
    {
        if (shell.IsPlain)
        {
            shell.JsonLine(state);
            return;
        }

        shell.Screen.MarkupLineInterpolated($"[bold]{state.Dataset}[/] [aqua]{state.Key}[/]");
        shell.Screen.WriteLine(state.State?.ToJsonString(WireJson.Indented) ?? "null");
        var behind = state.Behind is { Records: > 0 } b ? $", {b.Records:N0} records behind" : "";
        shell.Screen.MarkupLineInterpolated($"[grey]as of {state.Position}, {state.Time:u}{behind}[/]");
    }
}
