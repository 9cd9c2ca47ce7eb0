using System.CommandLine;
using System.Text.Json;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Commands;

internal static class AppendCommand
{
    public static Command Create(Shell shell)
    {
        var topic = new Argument<string>("TOPIC") { Description = "A source topic." };
        var key = new Argument<string>("KEY") { Description = "The record's key." };
        var value = new Argument<string?>("VALUE")
        {
            Description = "The value as JSON; - reads it from standard input.", Arity = ArgumentArity.ZeroOrOne,
        };
        var tombstone = new Option<bool>("--tombstone") { Description = "Append no value: the entity ends here." };
        var idempotencyKey = new Option<string?>("--idempotency-key")
        {
            Description = "Append once, however often the command is repeated with the same key and record. Such as a UUID.",
        };
        var command = new Command(
            "append", "Appends a record and shows its position. Example: actorstreams append shop.orders 7 '{\"total\":12.5}'")
        {
            topic, key, value, tombstone, idempotencyKey,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(tombstone) == result.GetValue(value) is not null)
                result.AddError("Give a VALUE or --tombstone, and not both.");
            if (result.GetValue(idempotencyKey) is { } given && IdempotencyKeys.FaultOf(given) is { } fault)
                result.AddError(fault);
        });
        shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var record = new AppendRecord
            {
                Key = parse.GetRequiredValue(key),
                Value = parse.GetValue(tombstone) ? null : await ReadAsync(parse.GetValue(value)!, cancellationToken).ConfigureAwait(false),
            };
            var positions = await (parse.GetValue(idempotencyKey) is { } once
                ? client.AppendOnceAsync(parse.GetRequiredValue(topic), [record], once, cancellationToken)
                : client.AppendAsync(parse.GetRequiredValue(topic), [record], cancellationToken)).ConfigureAwait(false);
            if (shell.IsPlain)
                shell.JsonLine(positions[0]);
            else
                shell.Screen.WriteLine(positions[0].ToString());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<object> ReadAsync(string value, CancellationToken cancellationToken)
    {
        var text = value == "-" ? await Console.In.ReadToEndAsync(cancellationToken).ConfigureAwait(false) : value;
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException e)
        {
            throw new ActorStreamsException(
                $"The value is not JSON: {e.Message} A text needs quotes of its own: '\"text\"'.", innerException: e);
        }
    }
}
