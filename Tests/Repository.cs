namespace ActorStreams.Tests;

/// <summary>The files that this was built from.</summary>
internal static class Repository
{
    /// <summary>The repository's folder; null where the tests run outside of it.</summary>
    internal static string? Folder { get; } = Find();

    internal static string Root =>
        Folder ?? throw new InvalidOperationException($"No directory above {AppContext.BaseDirectory} holds ActorStreams.sln.");

    internal static string File(string path) => Path.Combine(Root, path);

    internal static string Read(string path) => System.IO.File.ReadAllText(File(path));

    private static string? Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (System.IO.File.Exists(Path.Combine(directory.FullName, "ActorStreams.sln")))
                return directory.FullName;
        }

        return null;
    }
}
