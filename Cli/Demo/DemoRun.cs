using System.Text.Json.Nodes;
using ActorStreams.Cli.Commands;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Demo;

/// <summary>The demo: a silo, a git history, what is made of it, and where to look.</summary>
internal sealed class DemoRun(Shell shell, ActorStreamsClient client, DemoSilo options)
{
    private const string Topic = "git.changes";
    private const string Root = ".";
    private const int ShownLeaders = 10;

    private static readonly TimeSpan CaughtUpWithin = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(300);

    /// <summary>Runs until cancelled; the silo is stopped in any case.</summary>
    public async Task RunAsync(string clone, CancellationToken cancellationToken)
    {
        if (await client.IsReadyAsync(cancellationToken).ConfigureAwait(false))
            throw new ActorStreamsException(
                $"A silo answers at {options.Urls} already. Use it with 'actorstreams load git', stop it, "
                + "or give the demo another address with --urls.");
        var silo = SiloProcess.Start(options);
        await using (silo.ConfigureAwait(false))
        {
            await SpinAsync("Building and starting a silo", () => silo.ReadyAsync(client, cancellationToken)).ConfigureAwait(false);
            await LoadAsync(clone, cancellationToken).ConfigureAwait(false);
            await SpinAsync("Folding", () => CaughtUpAsync(cancellationToken)).ConfigureAwait(false);
            DatasetsCommand.Show(shell, await client.DatasetsAsync(cancellationToken).ConfigureAwait(false));
            await ShowLeadersAsync(cancellationToken).ConfigureAwait(false);
            ShowWhereToLook();
            var lines = await silo.EndedAsync(cancellationToken).ConfigureAwait(false);
            throw new ActorStreamsException($"The silo ended by itself. Its last lines:\n{lines}");
        }
    }

    // A demo that was stopped while it loaded continues where it was; a demo of another repository changes nothing.
    private async Task LoadAsync(string clone, CancellationToken cancellationToken)
    {
        try
        {
            var load = new LoadRun(shell, client, Topic, new() { Resume = true });
            var result = await load.RunAsync(new GitSource(clone), cancellationToken).ConfigureAwait(false);
            if (shell.IsPlain)
                shell.JsonLine(result);
            else
                LoadRun.Show(shell, result);
        }
        catch (ForeignRecordException)
        {
            shell.Note($"Topic '{Topic}' holds another history, and is left as it is. Give --data another folder to load '{clone}'.");
        }
    }

    private async Task CaughtUpAsync(CancellationToken cancellationToken)
    {
        using var bound = new CancellationTokenSource(CaughtUpWithin);
        while (!bound.IsCancellationRequested)
        {
            var datasets = await client.DatasetsAsync(cancellationToken).ConfigureAwait(false);
            if (datasets.All(d => d.Behind is not { Records: > 0 }))
                return;
            await Task.Delay(AskEvery, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ShowLeadersAsync(CancellationToken cancellationToken)
    {
        var datasets = await client.DatasetsAsync(cancellationToken).ConfigureAwait(false);
        if (datasets.Any(d => d.Name == "folder")
            && await client.GetAsync<JsonNode>("folder", Root, cancellationToken: cancellationToken).ConfigureAwait(false) is { } folder)
            GetCommand.Show(shell, folder);
        if (datasets.All(d => d.Name != "leaderboard"))
            return;
        var leaders = await client.ListAsync<JsonNode>("leaderboard", pageSize: ShownLeaders, cancellationToken: cancellationToken)
            .Take(ShownLeaders).ToListAsync(cancellationToken).ConfigureAwait(false);
        shell.Table(leaders, ["leaderboard", "state"], l => [l.Key, Shorten(l.State)]);
    }

    private void ShowWhereToLook()
    {
        if (shell.IsPlain)
            return;
        var url = options.Urls.TrimEnd('/');
        var table = new Table().HideHeaders().Border(TableBorder.None).AddColumns("", "");
        (string What, string Where)[] rows =
        [
            ("API", $"{url}/"),
            ("Dashboard", $"{url}/dashboard"),
            ("A state", $"curl {url}/api/entities/file/README.md"),
            ("A view", $"curl {url}/api/views/folder/."),
            ("Live", $"curl -N '{url}/api/entities/file/README.md?watch=true'"),
            ("Command line", "dotnet run -c Release --no-build --project Cli -- get folder .    (or watch, list, lineage, log, --help)"),
        ];
        foreach (var (what, where) in rows)
            table.AddRow(new Text(what, new(Color.Aqua)), new Text(where));
        shell.Screen.Write(table);
        shell.Screen.MarkupLine("[grey]Ctrl+C stops the silo. Its data stay; the next demo goes on with them.[/]");
    }

    private Task SpinAsync(string text, Func<Task> work)
    {
        if (shell.ErrorIsTerminal)
            return shell.ErrorScreen.Status().StartAsync(text + " …", _ => work());
        shell.Note(text + " …");
        return work();
    }

    private static string Shorten(JsonNode? state)
    {
        const int Most = 400;
        var text = state?.ToJsonString(WireJson.Options) ?? "null";
        return text.Length > Most ? text[..Most] + "…" : text;
    }
}
