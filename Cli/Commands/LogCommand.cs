using System.CommandLine;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Commands;

internal static class LogCommand
{
    public static Command Create(Shell shell)
    {
        var topic = new Argument<string>("TOPIC") { Description = "Any topic; a view's input log shows the changes routed to it." };
        var partition = new Option<int?>("--partition") { Description = "Only this partition." };
        var from = new Option<long?>("--from") { Description = "Begin at this offset." };
        var limit = new Option<int?>("--limit") { Description = "At most so many records. Default: 100." };
        var follow = new Option<bool>("--follow") { Description = "Wait for more records until Ctrl+C." };
        var command = new Command(
            "log", "Reads records of a topic. Example: actorstreams log git.changes --partition 0 --from 100 --limit 10")
        {
            topic, partition, from, limit, follow,
        };
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var records = client.ReadRecordsAsync(
                parse.GetRequiredValue(topic), parse.GetValue(partition), parse.GetValue(from), parse.GetValue(limit),
                parse.GetValue(follow), cancellationToken);
            await foreach (var record in records.ConfigureAwait(false))
                Show(shell, record);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Show(Shell shell, LogRecord record)
    {
        if (shell.IsPlain)
        {
            shell.JsonLine(record);
            return;
        }

        var value = record.Frame?.GetRawText() ?? record.Value?.GetRawText() ?? record.ValueBase64 ?? "(tombstone)";
        shell.Screen.MarkupLineInterpolated($"[grey]{record.Partition}:{record.Offset} {record.Time:u}[/] [aqua]{record.Key}[/] {value}");
    }
}
