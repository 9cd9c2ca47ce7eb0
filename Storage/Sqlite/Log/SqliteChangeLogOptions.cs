namespace ActorStreams.Storage.Sqlite.Log;

/// <summary>How the embedded change log keeps its file.</summary>
public sealed class SqliteChangeLogOptions
{
    /// <summary>
    /// Records are packed in rows of up to this many bytes; a larger record has a row of its own. Below what .NET puts on its large heap.
    /// </summary>
    internal const int MaxRowBytes = 64 << 10;

    /// <summary>The file; its directory must exist.</summary>
    public required string Path { get; init; }

    /// <summary>Records one commit takes at most; the callers beyond it wait for the next one. 1 to 10,000,000.</summary>
    public int MaxCommitRecords { get; init; } = 100_000;

    /// <summary>Bytes of records one commit takes at most, but one append at least. 1 to 1 GiB.</summary>
    public int MaxCommitBytes { get; init; } = 16 << 20;

    /// <summary>The largest record that is taken: key, value and headers, in bytes. 1 to 256 MiB.</summary>
    public int MaxRecordBytes { get; init; } = 16 << 20;

    /// <summary>Connections that read at once; further readers wait for one. 1 to 64.</summary>
    public int Readers { get; init; } = 4;

    /// <summary>How long a commit waits for a file that another process has locked, before it fails. 0 to 600,000.</summary>
    public int LockWaitMilliseconds { get; init; } = 5_000;

    /// <exception cref="ArgumentException">Some values are out of range; the message names all of them.</exception>
    internal void Validate() => OptionCheck.All(
        OptionCheck.Given(Path),
        OptionCheck.Range(MaxCommitRecords, 1, 10_000_000),
        OptionCheck.Range(MaxCommitBytes, 1, 1 << 30),
        OptionCheck.Range(MaxRecordBytes, 1, 256 << 20),
        OptionCheck.Range(Readers, 1, 64),
        OptionCheck.Range(LockWaitMilliseconds, 0, 600_000));
}
