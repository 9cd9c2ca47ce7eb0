using ActorStreams.Definitions;

namespace ActorStreams.Samples.GitHistory;

/// <summary>A file as it is now: the fold of its changes since it was last created.</summary>
/// <param name="Lines">Lines, by git's count; 0 for a binary file.</param>
/// <param name="Commits">Commits that touched it.</param>
/// <param name="LastAuthor">Who touched it last.</param>
/// <param name="Binary">Whether git takes it for binary.</param>
/// <param name="First">When it was created.</param>
/// <param name="Last">When it was last touched.</param>
public sealed record SourceFile(int Lines, int Commits, string LastAuthor, bool Binary, DateTimeOffset First, DateTimeOffset Last)
    : IEntity<SourceFile, FileChange>
{
    /// <inheritdoc/>
    public static SourceFile? Apply(SourceFile? file, in Record<FileChange> record)
    {
        var change = record.Value;
        if (change.Status == "D")
            return null;
        var before = change.Status == "A" ? null : file;
        return new(
            (before?.Lines ?? 0) + (change.Added ?? 0) - (change.Deleted ?? 0),
            (before?.Commits ?? 0) + 1,
            change.Author,
            change.Added is null,
            before?.First ?? record.Time,
            record.Time);
    }
}
