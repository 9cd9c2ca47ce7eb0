using System.CommandLine;
using ActorStreams.Cli.Commands;
using ActorStreams.Cli.Demo;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client;

namespace ActorStreams.Cli;

/// <summary>The command line: the commands, and what becomes of their failures.</summary>
internal static class CommandLine
{
    // Demo needs time to stop its silo after Ctrl+C; all other commands end at once.
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(45);

    /// <summary>Runs a command and answers the exit code.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Shell shell, CancellationToken cancellationToken = default)
    {
        var parsed = Root(shell).Parse(arguments);
        var configuration = new InvocationConfiguration
        {
            Output = shell.Output,
            Error = shell.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = StopWithin,
        };
        try
        {
            var code = await parsed.InvokeAsync(configuration, cancellationToken).ConfigureAwait(false);
            return parsed.Errors.Count > 0 ? ExitCodes.Usage : code;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Ok; // Ctrl+C is how a watch ends
        }
        catch (ActorStreamsException e)
        {
            shell.Fail(e.Message);
            return ExitCodes.Failed;
        }
        catch (IOException e) when (e.Message.Contains("Broken pipe", StringComparison.Ordinal))
        {
            return ExitCodes.Ok; // the reader of our output, such as 'head', has enough
        }
    }

    private static RootCommand Root(Shell shell) => new(
        "Reads, watches and feeds ActorStreams. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such key (get).")
    {
        shell.Url,
        shell.TokenFile,
        shell.Ca,
        shell.Json,
        DemoCommand.Create(shell),
        DatasetsCommand.Create(shell),
        GetCommand.Create(shell),
        ListCommand.Create(shell),
        WatchCommand.Create(shell),
        AppendCommand.Create(shell),
        LoadCommand.Create(shell),
        LineageCommand.Create(shell),
        TopicsCommand.Create(shell),
        LogCommand.Create(shell),
        OperationsCommands.Silos(shell),
        OperationsCommands.Partitions(shell),
        OperationsCommands.Health(shell),
        DeadLettersCommand.Create(shell),
        BuildsCommands.Builds(shell),
        BuildsCommands.Rebuild(shell),
        BuildsCommands.Cutover(shell),
        BuildsCommands.Rollback(shell),
        BuildsCommands.Retire(shell),
    };
}
