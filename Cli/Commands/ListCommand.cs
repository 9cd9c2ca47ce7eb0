using System.CommandLine;
using System.Text.Json.Nodes;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;

namespace ActorStreams.Cli.Commands;

internal static class ListCommand
{
    private const int DefaultLimit = 100;
    private const int MaxPage = 1_000;

    public static Command Create(Shell shell)
    {
        var dataset = new Argument<string>("DATASET") { Description = "An entity or a view." };
        var prefix = new Option<string?>("--prefix") { Description = "Only keys that begin with this." };
        var limit = new Option<int>("--limit") { Description = "At most so many keys.", DefaultValueFactory = _ => DefaultLimit };
        limit.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() < 1)
                r.AddError("--limit must be at least 1.");
        });
        var command = new Command(
            "list", "Lists keys of a dataset with their states. Example: actorstreams list folder --prefix src/ --limit 20")
        {
            dataset, prefix, limit,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var most = parse.GetValue(limit);
            var items = client.ListAsync<JsonNode>(
                parse.GetRequiredValue(dataset), parse.GetValue(prefix), Math.Min(most, MaxPage), cancellationToken);
            await ShowAsync(shell, items.Take(most)).ConfigureAwait(false);
            return ExitCodes.Ok;
        });
        return command;
    }

    // A program gets each line at once, however many there are; only a table must wait for its last row.
    private static async Task ShowAsync(Shell shell, IAsyncEnumerable<DatasetItem<JsonNode>> items)
    {
        List<DatasetItem<JsonNode>> rows = [];
        await foreach (var item in items.ConfigureAwait(false))
        {
            if (shell.IsPlain)
                shell.JsonLine(item);
            else
                rows.Add(item);
        }

        if (!shell.IsPlain)
            shell.Table(rows, ["key", "state", "time"], i => [i.Key, i.State?.ToJsonString(WireJson.Options) ?? "null", $"{i.Time:u}"]);
    }
}
