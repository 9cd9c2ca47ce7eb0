using System.CommandLine;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;

namespace ActorStreams.Cli.Commands;

/// <summary><c>load ndjson</c> and <c>load git</c>.</summary>
internal sealed class LoadCommand
{
    private readonly Shell _shell;

    private readonly Option<double> _wait = new("--wait-seconds")
    {
        Description = "How long to wait for a silo that is away.",
        DefaultValueFactory = _ => new LoadOptions().WaitSeconds,
    };

    private readonly Option<bool> _resume = new("--resume")
    {
        Description = "Go on after what an earlier load of the same input appended, also with what is new since.",
    };

    private LoadCommand(Shell shell) => _shell = shell;

    public static Command Create(Shell shell) => new(
        "load", "Loads records into a topic, each once, though connections break. The load must be the topic's only writer meanwhile.")
    {
        new LoadCommand(shell).Ndjson(),
        new LoadCommand(shell).Git(),
    };

    private Command Ndjson()
    {
        var file = new Argument<string>("FILE") { Description = "JSON lines; .gz is decompressed, - is standard input." };
        var topic = new Option<string>("--topic") { Description = "The topic to load into.", Required = true };
        var key = new Option<string?>("--key")
        {
            Description = "The field that is the key. Without it, lines are {key, value, timestamp?, headers?}.",
        };
        var time = new Option<string?>("--time")
        {
            Description = "The field that is the time: ISO 8601, or Unix seconds or milliseconds. With --key only.",
        };
        var command = new Command(
            "ndjson", "Loads JSON lines. Example: actorstreams load ndjson history.ndjson.gz --topic git.changes --key path --time time")
        {
            file, topic, key, time, _wait, _resume,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(time) is not null && result.GetValue(key) is null)
                result.AddError(
                    "--time names a field of the value, so it needs --key. Without --key the time is the line's field 'timestamp'.");
        });
        Handle(command, topic, parse =>
            new NdjsonSource(parse.GetRequiredValue(file), new() { KeyField = parse.GetValue(key), TimeField = parse.GetValue(time) }));
        return command;
    }

    private Command Git()
    {
        var directory = new Argument<string>("DIR") { Description = "A git clone." };
        var topic = new Option<string>("--topic") { Description = "The topic to load into.", DefaultValueFactory = _ => "git.changes" };
        var realNames = new Option<bool>("--real-names") { Description = "Give authors by name, and not by pseudonym." };
        var command = new Command("git", "Loads every file change of a clone's main line. Example: actorstreams load git . --resume")
        {
            directory, topic, realNames, _wait, _resume,
        };
        Handle(command, topic, parse => new GitSource(parse.GetRequiredValue(directory), parse.GetValue(realNames)));
        return command;
    }

    private void Handle(Command command, Option<string> topic, Func<ParseResult, LoadSource> source) =>
        _shell.Handle(command, async (parse, client, cancellationToken) =>
        {
            var options = new LoadOptions { WaitSeconds = parse.GetValue(_wait), Resume = parse.GetValue(_resume) };
            var load = new LoadRun(_shell, client, parse.GetRequiredValue(topic), options);
            var result = await load.RunAsync(source(parse), cancellationToken).ConfigureAwait(false);
            if (_shell.IsPlain)
                _shell.JsonLine(result);
            else
                LoadRun.Show(_shell, result);
            return ExitCodes.Ok;
        });
}
