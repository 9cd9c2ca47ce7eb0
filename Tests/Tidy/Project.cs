using System.Xml.Linq;

namespace ActorStreams.Tests.Tidy;

/// <summary>A project file, as the rules need it.</summary>
internal sealed record Project(
    string File, string Name, string Folder, string RootNamespace, IReadOnlyList<string> References, XDocument Xml)
{
    private static readonly Lazy<IReadOnlyList<Project>> AllProjects = new(() =>
        [.. Tree.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)).Select(Read)]);

    /// <summary>All projects of the repository.</summary>
    internal static IReadOnlyList<Project> All => AllProjects.Value;

    /// <summary>The projects whose code is shipped: not the tests, the benchmarks and the tools.</summary>
    internal static IEnumerable<Project> Product => All.Where(project => project.Room is not ("Tests" or "Benchmarks" or "tools"));

    /// <summary>The first folder of its path: <c>samples</c> for all samples.</summary>
    internal string Room => Folder.Split('/')[0];

    /// <summary>The project that a file belongs to: the one whose folder is the nearest above it.</summary>
    internal static Project? Of(string file) =>
        All.Where(project => file.StartsWith($"{project.Folder}/", StringComparison.Ordinal)).MaxBy(project => project.Folder.Length);

    private static Project Read(string file)
    {
        var xml = XDocument.Parse(Repository.Read(file));
        var folder = Tree.FolderOf(file);
        var name = Path.GetFileNameWithoutExtension(file);
        return new(
            file, name, folder,
            xml.Descendants("RootNamespace").FirstOrDefault()?.Value ?? name,
            [.. xml.Descendants("ProjectReference").Select(reference => RoomOf(folder, reference.Attribute("Include")!.Value))],
            xml);
    }

    private static string RoomOf(string folder, string reference) =>
        Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.File(folder), reference))).Replace('\\', '/')
            .Split('/')[0];
}
