using ActorStreams.Client.Commands;

return await CommandLine.RunAsync(args, new Shell(Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected)).ConfigureAwait(false);
