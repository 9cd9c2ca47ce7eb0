using System.CommandLine;
using System.Text.Json;
using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Client.Loading;
using ActorStreams.Client;
using ActorStreams.Protocol;
using Spectre.Console;

namespace ActorStreams.Cli.Terminal;

/// <summary>
/// Where a command writes. People at a terminal get tables and colour; a pipe, or <c>--json</c>, gets JSON, a value a line.
/// Errors and progress go to the error stream, so that they never mix with data.
/// </summary>
internal sealed class Shell
{
    private const string UrlVariable = "ACTORSTREAMS_URL";
    private const string TokenVariable = "ACTORSTREAMS_TOKEN";
    private const string DefaultUrl = "http://127.0.0.1:8080";

    private readonly TextWriter _output;
    private readonly bool _outputIsTerminal;
    private bool _json;

    public Shell(TextWriter output, TextWriter error, bool outputIsTerminal, bool errorIsTerminal)
    {
        _output = output;
        _outputIsTerminal = outputIsTerminal;
        ErrorIsTerminal = errorIsTerminal;
        Error = error;
        Screen = Console(output, outputIsTerminal);
        ErrorScreen = Console(error, errorIsTerminal);
    }

    public Option<string> Url { get; } = new("--url")
    {
        Description = $"The silo's address. Default: the environment variable {UrlVariable}, or {DefaultUrl}.",
        Recursive = true,
        HelpName = "URL",
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description =
            $"A file with the token that the silo asks for. Default: the token itself in the environment variable {TokenVariable}.",
        Recursive = true,
        HelpName = "FILE",
    };

    public Option<string?> Ca { get; } = new("--ca")
    {
        Description = "The authorities to believe instead of the machine's, as a PEM file.", Recursive = true, HelpName = "FILE",
    };

    public Option<bool> Json { get; } = new("--json") { Description = "Write JSON, a value a line, also on a terminal.", Recursive = true };

    public TextWriter Output => _output;

    public TextWriter Error { get; }

    public bool ErrorIsTerminal { get; }

    /// <summary>True when output is for a program: JSON lines.</summary>
    public bool IsPlain => _json || !_outputIsTerminal;

    /// <summary>The terminal, for output that is not plain.</summary>
    public IAnsiConsole Screen { get; }

    /// <summary>The error stream, for progress and errors.</summary>
    public IAnsiConsole ErrorScreen { get; }

    /// <summary>Gives a command its action: a client is made for it and closed after it.</summary>
    public void Handle(Command command, Func<ParseResult, ActorStreamsClient, CancellationToken, Task<int>> action) =>
        command.SetAction(async (parse, cancellationToken) =>
        {
            _json = parse.GetValue(Json);
            using var client = ClientOf(parse);
            return await action(parse, client, cancellationToken).ConfigureAwait(false);
        });

    /// <summary>Writes a value as one JSON line.</summary>
    public void JsonLine<T>(T value)
    {
        _output.Write(JsonSerializer.Serialize(value, WireJson.Options) + "\n");
        _output.Flush();
    }

    /// <summary>Writes values as JSON lines, or on a terminal as a table.</summary>
    public void Table<T>(IReadOnlyCollection<T> rows, string[] columns, Func<T, string[]> cells)
    {
        if (IsPlain)
        {
            foreach (var row in rows)
                JsonLine(row);
            return;
        }

        var table = new Table().RoundedBorder().BorderColor(Color.Grey);
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Text(column, new(decoration: Decoration.Bold))));
        foreach (var row in rows)
            table.AddRow(cells(row).Select(cell => new Text(cell)));
        Screen.Write(table);
    }

    /// <summary>A sentence for people, on the error stream.</summary>
    public void Note(string sentence) => ErrorScreen.MarkupLineInterpolated($"[grey]{sentence}[/]");

    /// <summary>An error, as a red sentence on the error stream.</summary>
    public void Fail(string sentence) => ErrorScreen.MarkupLineInterpolated($"[red]{sentence}[/]");

    private ActorStreamsClient ClientOf(ParseResult parse)
    {
        var file = parse.GetValue(TokenFile);
        Func<string?> token = file is not null
            ? ActorStreamsClientOptions.TokenFile(file)
            : () => Environment.GetEnvironmentVariable(TokenVariable);
        try
        {
            return new(UrlOf(parse), new() { Token = token, CaFile = parse.GetValue(Ca) });
        }
        catch (ArgumentException e)
        {
            throw new ActorStreamsException(e.Message, innerException: e);
        }
    }

    private Uri UrlOf(ParseResult parse)
    {
        var text = parse.GetValue(Url) ?? (Environment.GetEnvironmentVariable(UrlVariable) is { Length: > 0 } set ? set : DefaultUrl);
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new ActorStreamsException(
                $"'{text}' is not the address of a silo. It has the form {DefaultUrl}; set it with --url or {UrlVariable}.");
    }

    private static IAnsiConsole Console(TextWriter writer, bool isTerminal)
    {
        var console = AnsiConsole.Create(new()
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!isTerminal)
            console.Profile.Width = int.MaxValue / 2; // never break a line that a program may read
        return console;
    }
}
