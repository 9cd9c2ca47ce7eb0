namespace ActorStreams.Storage.Sqlite.Files;

/// <summary>
/// A directory of data files that belongs to one process as long as this is open. The operating system holds the lock, so it is gone
/// with the process, however that ends.
/// </summary>
public sealed class DataDirectory : IDisposable
{
    private const string LockName = "actorstreams.lock";

    // In a file of its own: other processes cannot read the locked one.
    private const string ProcessIdName = "actorstreams.pid";

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream held) => (Path, _lock) = (path, held);

    /// <summary>The directory's full path.</summary>
    public string Path { get; }

    /// <summary>Creates the directory if it does not exist, and locks it.</summary>
    /// <exception cref="DataDirectoryInUseException">Another process has locked it.</exception>
    public static DataDirectory Open(string path)
    {
        var full = Directory.CreateDirectory(path).FullName;
        var processIdFile = System.IO.Path.Combine(full, ProcessIdName);
        FileStream held;
        try
        {
            held = new(System.IO.Path.Combine(full, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (IOException error) when (error.GetType() == typeof(IOException))
        {
            throw new DataDirectoryInUseException(full, ReadProcessId(processIdFile), error);
        }

        File.WriteAllText(processIdFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return new(full, held);
    }

    /// <summary>The path of a file in the directory.</summary>
    public string FilePath(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Gives the directory back.</summary>
    public void Dispose() => _lock.Dispose();

    private static int? ReadProcessId(string file)
    {
        try
        {
            return int.TryParse(File.ReadAllText(file), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
        }
        catch (IOException)
        {
            return null; // its owner is just writing it
        }
    }
}

/// <summary>A data directory that another process uses. Stop that process, or use another directory.</summary>
public sealed class DataDirectoryInUseException(string path, int? processId, Exception? innerException = null) : Exception(
    $"The data directory '{path}' is in use by "
    + $"{(processId is null ? "another process" : string.Create(CultureInfo.InvariantCulture, $"process {processId}"))}. "
    + "Stop that process, or give this one another directory.", innerException)
{
    /// <summary>The directory.</summary>
    public string Path { get; } = path;

    /// <summary>The process that has it; null when it could not be read.</summary>
    public int? ProcessId { get; } = processId;
}
