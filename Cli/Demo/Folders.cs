using ActorStreams.Cli.Commands;
using ActorStreams.Cli.Terminal;
using ActorStreams.Client.Loading;
using ActorStreams.Client;

namespace ActorStreams.Cli.Demo;

internal static class Folders
{
    /// <summary>The nearest folder from here upwards (or from where this program lies) that holds a file or folder of this name.</summary>
    public static string? NearestWith(string name) => Above(Environment.CurrentDirectory, name) ?? Above(AppContext.BaseDirectory, name);

    private static string? Above(string start, string name)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
        {
            if (Path.Exists(Path.Combine(folder.FullName, name)))
                return folder.FullName;
        }

        return null;
    }
}
