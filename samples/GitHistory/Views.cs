using ActorStreams.Definitions;
using ActorStreams.Reducing;

namespace ActorStreams.Samples.GitHistory;

/// <summary>What lies in a folder, at any depth. One file concerns every folder above it; the root is <c>.</c></summary>
public sealed record Folder(int Files, long Lines) : IView<Folder, SourceFile>
{
    /// <inheritdoc/>
    public static IEnumerable<string> KeysOf(string key, SourceFile source)
    {
        yield return ".";
        for (var slash = key.IndexOf('/'); slash >= 0; slash = key.IndexOf('/', slash + 1))
            yield return key[..slash];
    }

    /// <inheritdoc/>
    public static Folder? Apply(Folder? state, in Change<SourceFile> change)
    {
        var files = (state?.Files ?? 0) + change.Count;
        return files == 0 ? null : new(files, (state?.Lines ?? 0) + change.Sum(file => file.Lines));
    }
}

/// <summary>The files whose last author this is. A file moves from author to author; the state says to whom.</summary>
public sealed record Author(int Files, long Lines) : IView<Author, SourceFile>
{
    /// <inheritdoc/>
    public static IEnumerable<string> KeysOf(string key, SourceFile source) => [source.LastAuthor];

    /// <inheritdoc/>
    public static Author? Apply(Author? state, in Change<SourceFile> change)
    {
        var files = (state?.Files ?? 0) + change.Count;
        return files == 0 ? null : new(files, (state?.Lines ?? 0) + change.Sum(file => file.Lines));
    }
}

/// <summary>Files by extension, with the largest one: a maximum, which must survive that the largest file is deleted.</summary>
public sealed record Extension(int Files, long Lines, string Largest, int LargestLines) : IReducingView<Extension, SourceFile>
{
    private static readonly Ranking<SourceFile, int> ByLines = Reduce.Max((SourceFile file) => file.Lines);

    /// <inheritdoc/>
    public static IReadOnlyList<Reduction<SourceFile>> Reductions => [ByLines];

    /// <inheritdoc/>
    public static IEnumerable<string> KeysOf(string key, SourceFile source) => [ExtensionOf(key)];

    /// <inheritdoc/>
    public static Extension? Apply(Extension? state, in Change<SourceFile> change, in Reduced<SourceFile> reduced)
    {
        var files = (state?.Files ?? 0) + change.Count;
        return reduced.First(ByLines) is { } largest
            ? new(files, (state?.Lines ?? 0) + change.Sum(file => file.Lines), largest.Key, largest.Value)
            : null;
    }

    private static string ExtensionOf(string path)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        var dot = name.LastIndexOf('.');
        return dot > 0 ? name[dot..] : "(none)";
    }
}

/// <summary>The ten authors with the most lines: a view of a view, with one key.</summary>
public sealed record Leaderboard(IReadOnlyList<Ranked<long>> Authors) : IReducingView<Leaderboard, Author>
{
    /// <summary>The one key.</summary>
    public const string Key = "authors";

    private static readonly Ranking<Author, long> TopTen = Reduce.Top(10, (Author author) => author.Lines);

    /// <inheritdoc/>
    public static IReadOnlyList<Reduction<Author>> Reductions => [TopTen];

    /// <inheritdoc/>
    public static IEnumerable<string> KeysOf(string key, Author source) => [Key];

    /// <inheritdoc/>
    public static Leaderboard? Apply(Leaderboard? state, in Change<Author> change, in Reduced<Author> reduced)
    {
        var authors = reduced.All(TopTen);
        return authors.Count == 0 ? null : new(authors);
    }
}
