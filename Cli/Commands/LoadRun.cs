using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using Spectre.Console;

namespace ActorStreams.Cli.Commands;

/// <summary>Runs a load and shows on the error stream how far it is: a bar on a terminal, else a line every few seconds.</summary>
internal sealed class LoadRun(Shell shell, ActorStreamsClient client, string topic, LoadOptions options)
{
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    private readonly ExactLoader _loader = new(client, topic, options);
    private readonly TimeProvider _time = client.Options.TimeProvider;

    public async Task<LoadResult> RunAsync(LoadSource source, CancellationToken cancellationToken)
    {
        await source.OpenAsync(cancellationToken).ConfigureAwait(false);
        if (source.Note is { } note)
            shell.Note(note);
        try
        {
            var load = _loader.LoadAsync(source, cancellationToken);
            await (shell.ErrorIsTerminal ? BarAsync(load, source) : LinesAsync(load, source)).ConfigureAwait(false);
            return await load.ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new LoadStoppedException("The load was stopped.", _loader.Appended, e);
        }
    }

    public static void Show(Shell shell, LoadResult result)
    {
        var skipped = result.Skipped > 0 ? $", {result.Skipped:N0} were there before" : "";
        var (records, seconds, rate) = ($"{result.Records:N0} records", $"{result.Seconds:N1} s", $"{result.RecordsPerSecond:N0} a second");
        shell.Screen.MarkupLineInterpolated($"[green]{records}[/] in {seconds} ({rate}) into [bold]{result.Topic}[/]{skipped}.");
        shell.Screen.MarkupLineInterpolated(
            $"[grey]Look at them with 'actorstreams log {result.Topic}', at what is made of them with 'actorstreams datasets'.[/]");
    }

    private Task BarAsync(Task load, LoadSource source) => shell.ErrorScreen.Progress()
        .Columns(
            new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
            new RemainingTimeColumn())
        .StartAsync(async context =>
        {
            var bar = context.AddTask(topic, maxValue: Math.Max(1, source.Total ?? 1));
            bar.IsIndeterminate = source.Total is null;
            await EachAsync(BarInterval, load, text =>
            {
                bar.Value = source.Total is null ? 0 : source.Done;
                bar.Description = Markup.Escape(text);
            }, source).ConfigureAwait(false);
        });

    private Task LinesAsync(Task load, LoadSource source) => EachAsync(LineInterval, load, text => shell.Error.WriteLine(text), source);

    private async Task EachAsync(TimeSpan interval, Task load, Action<string> show, LoadSource source)
    {
        var started = _time.GetTimestamp();
        while (await Task.WhenAny(load, Task.Delay(interval, _time)).ConfigureAwait(false) != load)
            show(Describe(source, _time.GetElapsedTime(started)));
        if (shell.ErrorIsTerminal)
            show(Describe(source, _time.GetElapsedTime(started)));
    }

    private string Describe(LoadSource source, TimeSpan elapsed)
    {
        var done = source.Total is { } total ? $"{source.Done:N0} of {total:N0} {source.Unit}" : $"{source.Done:N0} {source.Unit}";
        var skipped = _loader.Skipped > 0 ? $", {_loader.Skipped:N0} there before" : "";
        var rate = _loader.Appended / Math.Max(0.001, elapsed.TotalSeconds);
        return _loader.IsWaiting
            ? $"{topic}: {_loader.Appended:N0} records, waiting for the silo"
            : $"{topic}: {_loader.Appended:N0} records{skipped}, {rate:N0} a second, {done}";
    }
}
