using System.Text.RegularExpressions;

namespace ActorStreams.Tests.Tidy;

public sealed partial class LayoutTests
{
    private const int MaxColumns = 140;
    private const int MaxLines = 400;
    private const int MaxFiles = 15;

    [Fact]
    public void A_line_of_code_ends_before_column_140() => Ratchet.Check("long-lines", [.. Tree.Code.SelectMany(LongLines)]);

    [Fact]
    public void A_file_of_code_has_at_most_400_lines() => Ratchet.Check(
        "long-files", [.. Tree.Code.Select(file => (File: file, Lines: Repository.Read(file).Split('\n').Length - 1))
            .Where(file => file.Lines > MaxLines).Select(file => $"{file.File}: {file.Lines} lines")]);

    [Fact]
    public void A_folder_holds_at_most_15_files_of_code() => Ratchet.Check(
        "large-folders",
        [
            .. Tree.Code.GroupBy(Tree.FolderOf).Where(folder => folder.Count() > MaxFiles)
            .Select(folder => $"{folder.Key}: {folder.Count()} files"),
        ]);

    [Fact]
    public void A_folder_is_a_namespace() => Ratchet.Check("namespaces", [.. Tree.Code.Select(WrongNamespace).OfType<string>()]);

    private static IEnumerable<string> LongLines(string file) => Repository.Read(file).Split('\n')
        .Select((line, index) => (Length: line.TrimEnd('\r').Length, Number: index + 1))
        .Where(line => line.Length > MaxColumns)
        .Select(line => $"{file}:{line.Number}: {line.Length} columns");

    private static string? WrongNamespace(string file)
    {
        if (Project.Of(file) is not { } project || Namespace().Match(Repository.Read(file)) is not { Success: true } found)
            return null;
        var folder = Tree.FolderOf(file);
        var expected = folder == project.Folder
            ? project.RootNamespace
            : $"{project.RootNamespace}.{folder[(project.Folder.Length + 1)..].Replace('/', '.')}";
        return found.Groups[1].Value == expected ? null : $"{file}: {found.Groups[1].Value} instead of {expected}";
    }

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
