namespace ActorStreams.Tests.Tidy;

/// <summary>
/// The files of the repository, by their paths from its root, with <c>/</c> between folders. What a build makes is left out.
/// </summary>
internal static class Tree
{
    private static readonly string[] Skipped = ["bin", "obj", "node_modules", "TestResults", "artifacts"];

    private static readonly Lazy<IReadOnlyList<string>> AllFiles = new(() => [.. Walk("").Order(StringComparer.Ordinal)]);

    /// <summary>All files.</summary>
    internal static IReadOnlyList<string> Files => AllFiles.Value;

    /// <summary>All C# files.</summary>
    internal static IEnumerable<string> Code => Files.Where(file => file.EndsWith(".cs", StringComparison.Ordinal));

    /// <summary>All pages of documentation.</summary>
    internal static IEnumerable<string> Pages => Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal));

    /// <summary>Whether a file or folder exists.</summary>
    internal static bool Exists(string path)
    {
        var full = Repository.File(path);
        return File.Exists(full) || Directory.Exists(full);
    }

    /// <summary>The folder of a file, without a slash at its end.</summary>
    internal static string FolderOf(string file) => file.LastIndexOf('/') is var slash and >= 0 ? file[..slash] : "";

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(Repository.File(folder)))
        {
            var name = Path.GetFileName(path);
            var inside = folder.Length == 0 ? name : $"{folder}/{name}";
            if (!Directory.Exists(path))
                yield return inside;
            else if (!Skipped.Contains(name) && (name[0] != '.' || name == ".github"))
            {
                foreach (var file in Walk(inside))
                    yield return file;
            }
        }
    }
}
