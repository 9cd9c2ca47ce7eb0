using ActorStreams.Cli.Terminal;
using ActorStreams.Client;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Commands;

/// <summary>
/// Waits until builds have caught up and readers have been moved to them, or are to be moved by command. Shows on the error stream how far
/// they are: a bar for each on a terminal, else a line for each every few seconds.
/// </summary>
internal sealed class BuildWait(Shell shell, ActorStreamsClient client, string dataset, IReadOnlyList<BuildInfo> builds)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time = client.Options.TimeProvider;
    private IReadOnlyList<BuildInfo> _builds = builds;

    /// <summary>The newest build of a dataset, and those that it feeds.</summary>
    public static IReadOnlyList<BuildInfo> NewestOf(string dataset, IReadOnlyList<BuildInfo> builds)
    {
        List<BuildInfo> newest = [builds.Last(build => build.Dataset == dataset)];
        // Sources were made before what reads them.
        foreach (var build in builds)
        {
            if (build.Sources.Any(source => newest.Any(one => NameOf(one) == source)))
                newest.Add(build);
        }

        return newest;
    }

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await (shell.ErrorIsTerminal ? BarsAsync(cancellationToken) : LinesAsync(cancellationToken)).ConfigureAwait(false);
        if (shell.IsPlain)
            BuildsCommands.Show(shell, _builds);
        var names = string.Join(", ", _builds.Select(NameOf));
        if (_builds.FirstOrDefault(build => !IsDone(build)) is { } lost)
        {
            shell.Fail($"{NameOf(lost)} is {Words.Of(lost.Status)}, so readers are not moved to it.");
            return ExitCodes.Failed;
        }

        shell.Note(_builds.All(build => build.IsActive)
            ? $"Readers get {names} now. 'actorstreams rollback {dataset}' moves them back."
            : $"{names} have caught up. 'actorstreams cutover {dataset}' moves readers to them.");
        return ExitCodes.Ok;
    }

    private Task BarsAsync(CancellationToken cancellationToken) => shell.ErrorScreen.Progress()
        .Columns(
            new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
        .StartAsync(async context =>
        {
            var bars = _builds.ToDictionary(NameOf, build => context.AddTask(Markup.Escape(Describe(build)), maxValue: 1));
            await EachAsync(
                build => (bars[NameOf(build)].Value, bars[NameOf(build)].Description) =
                    (build.IsActive ? 1 : build.Progress ?? 0, Markup.Escape(Describe(build))),
                TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
        });

    private Task LinesAsync(CancellationToken cancellationToken) => EachAsync(
        build => shell.Error.WriteLine($"{Describe(build)}, {(build.IsActive ? 1 : build.Progress):P1}"), LineInterval, cancellationToken);

    /// <summary>Looks until all are done, or one cannot be any more.</summary>
    private async Task EachAsync(Action<BuildInfo> show, TimeSpan interval, CancellationToken cancellationToken)
    {
        long? shown = null;
        while (true)
        {
            var isEnd = _builds.All(IsDone) || _builds.Any(build => build.Status is BuildStatus.Frozen or BuildStatus.Retired);
            if (isEnd || shown is not { } last || _time.GetElapsedTime(last) >= interval)
            {
                shown = _time.GetTimestamp();
                foreach (var build in _builds)
                    show(build);
            }

            if (isEnd)
                return;
            await Task.Delay(LookInterval, _time, cancellationToken).ConfigureAwait(false);
            var now = (await client.Builds.ListAsync(cancellationToken).ConfigureAwait(false)).ToDictionary(NameOf);
            _builds = [.. _builds.Select(build => now.GetValueOrDefault(NameOf(build)) ?? build with { Status = BuildStatus.Retired })];
        }
    }

    private static bool IsDone(BuildInfo build) => build.IsActive || build is { Status: BuildStatus.Ready, CutoverByCommand: true };

    private static string Describe(BuildInfo build)
    {
        var sent = build.Backfill is { } backfill ? $", {backfill.StatesSent:N0} of {backfill.StatesToSend:N0} states sent" : "";
        var rate = build.RecordsPerSecond is { } second ? $", {second:N0} a second" : "";
        var left = BuildsCommands.Left(build) is { Length: > 0 } time ? $", {time} left" : "";
        var records = $"{build.Folded:N0} of {build.Folded + build.BehindRecords:N0} records";
        return $"{NameOf(build)} {Words.Of(build.Status)}: {records}{sent}{rate}{left}";
    }

    private static string NameOf(BuildInfo build) => $"{build.Dataset}@{build.Build}";
}
