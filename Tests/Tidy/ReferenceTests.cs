using System.Text.RegularExpressions;

namespace ActorStreams.Tests.Tidy;

/// <summary>What pages and comments name exists: linked pages and their headings, files and folders, sections of the semantics.</summary>
public sealed partial class ReferenceTests
{
    private const string Semantics = "docs/semantics.md";

    private static readonly Lazy<HashSet<string>> FileNames = new(() => [.. Tree.Files.Select(Path.GetFileName).OfType<string>()]);

    private static readonly Lazy<HashSet<string>> Rooms = new(() => [.. Tree.Files.Select(file => file.Split('/')[0])]);

    [Fact]
    public void A_link_in_a_page_leads_somewhere() => Ratchet.Check(
        "broken-links", [.. Tree.Pages.SelectMany(page => Link().Matches(WithoutCode(Repository.Read(page)))
            .Select(link => link.Groups[1].Value).Where(target => !Leads(page, target)).Select(target => $"{page}: {target}"))]);

    [Fact]
    public void A_file_or_folder_that_a_page_or_comment_names_exists() => Ratchet.Check(
        "missing-files", [.. Texts().SelectMany(text => PathLike().Matches(text.Text).Select(path => path.Value.TrimEnd('.', '/'))
            .Where(path => !Named(path)).Select(path => $"{text.Place}: {path}"))]);

    [Fact]
    public void A_section_that_a_page_or_comment_cites_exists()
    {
        var sections = Tree.Exists(Semantics)
            ? [.. Heading().Matches(Repository.Read(Semantics)).Select(heading => heading.Groups[1].Value)]
            : new HashSet<string>();
        Ratchet.Check("missing-sections", [.. Texts().SelectMany(text => Section().Matches(text.Text)
            .Select(section => section.Groups[1].Value).Where(section => !sections.Contains(section))
            .Select(section => $"{text.Place}: §{section}"))]);
    }

    private static IEnumerable<(string Place, string Text)> Texts() => Tree.Pages.Select(page => (page, Repository.Read(page)))
        .Concat(Tree.Code.SelectMany(file => Repository.Read(file).Split('\n')
            .Select((line, index) => (Place: $"{file}:{index + 1}", Text: Comment().Match(line).Value))
            .Where(line => line.Text.Length > 0)));

    private static bool Leads(string page, string target)
    {
        if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal))
            return true;
        var (path, anchor) = target.Split('#') is [var before, var after] ? (before, after) : (target, null);
        var file = path.Length == 0
            ? page
            : Path.GetRelativePath(Repository.Root, Path.Combine(Repository.File(Tree.FolderOf(page)), path)).Replace('\\', '/');
        return Tree.Exists(file) && (anchor is null || !file.EndsWith(".md", StringComparison.Ordinal) || Anchors(file).Contains(anchor));
    }

    /// <summary>A heading's anchor, as GitHub makes it: lower case, spaces become hyphens, punctuation is dropped.</summary>
    private static IEnumerable<string> Anchors(string page) => AnyHeading().Matches(Repository.Read(page))
        .Select(heading => string.Concat(heading.Groups[1].Value.Trim().ToLowerInvariant()
            .Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_').Select(c => c == ' ' ? '-' : c)));

    /// <summary>A path is named from the root; a file's name alone may stand for it.</summary>
    private static bool Named(string path) => path.Contains('/')
        ? !Rooms.Value.Contains(path.Split('/')[0]) || path.Contains("/bin/") || Tree.Exists(path)
        : FileNames.Value.Contains(path);

    private static string WithoutCode(string page) => CodeBlock().Replace(page, "");

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?<!:)//.*$")]
    private static partial Regex Comment();

    // A path with a folder, or a C# file's or page's name.
    [GeneratedRegex(@"(?<![\w./<-])(?:[A-Z.\w-]+/[\w./-]+\w|\w[\w.-]*\.(?:cs|csproj|md))(?![\w*{(])")]
    private static partial Regex PathLike();

    [GeneratedRegex(@"§(\d+)")]
    private static partial Regex Section();

    [GeneratedRegex(@"^#+ §?(\d+)\.? ", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex AnyHeading();
}
