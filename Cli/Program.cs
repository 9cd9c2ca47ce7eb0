using ActorStreams.Cli.Terminal;
using ActorStreams.Cli;

return await CommandLine.RunAsync(
    args, new Shell(Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected)).ConfigureAwait(false);
