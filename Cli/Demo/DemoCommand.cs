using System.CommandLine;
using ActorStreams.Cli.Commands;
using ActorStreams.Cli.Demo;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;

namespace ActorStreams.Cli.Demo;

internal static class DemoCommand
{
    private const string Urls = "http://127.0.0.1:8080";

    public static Command Create(Shell shell)
    {
        var directory = new Argument<string?>("DIR")
        {
            Description = "The git clone to load. Default: the one this folder is in.", Arity = ArgumentArity.ZeroOrOne,
        };
        var urls = new Option<string>("--urls") { Description = "The address the silo listens at.", DefaultValueFactory = _ => Urls };
        var data = new Option<string?>("--data") { Description = "The folder for the silo's data. Default: data in this project." };
        var command = new Command(
            "demo",
            "Builds and starts a silo, loads a git history, and shows what is made of it until Ctrl+C. Example: actorstreams demo .")
        {
            directory, urls, data,
        };
        shell.Handle(command, async (parse, _, cancellationToken) =>
        {
            var root = Folders.NearestWith("ActorStreams.sln") ?? throw new ActorStreamsException(
                "The demo builds its silo from source, but no folder above this one has ActorStreams.sln. "
                + "Run it in a clone of ActorStreams.");
            var clone = parse.GetValue(directory) ?? Folders.NearestWith(".git") ?? root;
            var url = parse.GetRequiredValue(urls);
            using var client = new ActorStreamsClient(new Uri(url));
            var demo = new DemoRun(shell, client, new(root, url, parse.GetValue(data) ?? Path.Combine(root, "data")));
            await demo.RunAsync(clone, cancellationToken).ConfigureAwait(false);
            return ExitCodes.Ok;
        });
        return command;
    }
}
