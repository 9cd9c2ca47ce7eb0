namespace ActorStreams.Storage.Sqlite.States;

/// <summary>How the SQLite state store keeps its file.</summary>
public sealed class SqliteStateStoreOptions
{
    /// <summary>The file; its directory must exist.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// States and contributions one commit takes at most, but one checkpoint at least; the others wait for the next. 1 to 10,000,000.
    /// </summary>
    public int MaxCommitRows { get; init; } = 50_000;

    /// <summary>Bytes one commit takes at most, but one checkpoint at least. 1 to 1 GiB.</summary>
    public int MaxCommitBytes { get; init; } = 32 << 20;

    /// <summary>Connections that read at once; further readers wait for one. 1 to 64.</summary>
    public int Readers { get; init; } = 4;

    /// <summary>What each connection keeps of the file in memory, in KiB. 64 to 4,194,304.</summary>
    public int CacheKibibytes { get; init; } = 32 << 10;

    /// <summary>How long a commit waits for a file that another process has locked, before it fails. 0 to 600,000.</summary>
    public int LockWaitMilliseconds { get; init; } = 5_000;

    /// <exception cref="ArgumentException">Some values are out of range; the message names all of them.</exception>
    internal void Validate() => OptionCheck.All(
        OptionCheck.Given(Path),
        OptionCheck.Range(MaxCommitRows, 1, 10_000_000),
        OptionCheck.Range(MaxCommitBytes, 1, 1 << 30),
        OptionCheck.Range(Readers, 1, 64),
        OptionCheck.Range(CacheKibibytes, 64, 4 << 20),
        OptionCheck.Range(LockWaitMilliseconds, 0, 600_000));
}
