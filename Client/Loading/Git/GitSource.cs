using System.Runtime.CompilerServices;
using ActorStreams.Client.Calls;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading.Git;

/// <summary>
/// Reads the history of a git clone: every file change on the first-parent line of HEAD, oldest first, one record a file and commit,
/// with the path as key, a <see cref="GitChange"/> as value and the commit's time. Renames are a delete and an add.
/// </summary>
/// <param name="directory">A folder in the clone.</param>
/// <param name="realNames">Give authors by name; else by a stable pseudonym made from the e-mail address.</param>
public sealed class GitSource(string directory, bool realNames = false) : LoadSource
{
    // Each option takes away a choice that the user's own git configuration would make.
    private static readonly string[] LogArguments =
    [
        "-c", "log.showRoot=true", "-c", "log.showSignature=false",
        "log", "--first-parent", "--diff-merges=first-parent", "--reverse", "--no-renames", "--raw", "--numstat", "-z",
        "--no-ext-diff", "-O/dev/null", "--diff-algorithm=default", "--ignore-submodules=none", "--no-color", "--encoding=UTF-8",
        "--format=@%H%x1f%ct%x1f%ae%x1f%an", "HEAD", "--",
    ];

    private readonly GitLogParser _parser = new(realNames);

    /// <inheritdoc/>
    public override string Unit => "commits";

    /// <inheritdoc/>
    public override long Done => _parser.Commits;

    /// <inheritdoc/>
    public override async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        if (!Directory.Exists(directory))
            throw new LoadSourceException($"There is no folder '{directory}'. Name a git clone.");
        using (var check = GitProcess.Start(directory, "rev-parse", "--git-dir"))
            await check.EndAsync(cancellationToken).ConfigureAwait(false);
        if (await GitProcess.TryAskAsync(
            directory, cancellationToken, "rev-list", "--count", "--first-parent", "HEAD", "--").ConfigureAwait(false) is not { } count)
            throw new LoadSourceException($"The git repository at '{directory}' has no commits yet: there is nothing to load.");
        Total = long.Parse(count, CultureInfo.InvariantCulture);
        if (await GitProcess.TryAskAsync(
            directory, cancellationToken, "rev-parse", "--is-shallow-repository").ConfigureAwait(false) == "true")
            Note = $"'{directory}' is a shallow clone: its first commit stands for all that went before. "
                + "'git fetch --unshallow' fetches the rest.";
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<AppendRecord> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var git = GitProcess.Start(directory, LogArguments);
        await foreach (var change in _parser.ParseAsync(git.Output, git.EndAsync, cancellationToken).ConfigureAwait(false))
            yield return new() { Key = change.Path, Value = change, Timestamp = DateTimeOffset.FromUnixTimeSeconds(change.Time) };
    }
}
