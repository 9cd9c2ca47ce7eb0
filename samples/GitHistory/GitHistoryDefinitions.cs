using ActorStreams.Definitions;

namespace ActorStreams.Samples.GitHistory;

/// <summary>The history of a git repository, folded: one entity, three views of it, and a view of a view.</summary>
public sealed class GitHistoryDefinitions : IDefinitions
{
    /// <summary>Where the changes of files are appended.</summary>
    public const string Topic = "git.changes";

    /// <inheritdoc/>
    public static void AddTo(TopologyBuilder topology) => topology
        .AddEntity<SourceFile>(file => file.Named("file").FromTopic(Topic))
        .AddView<Folder>()
        .AddView<Author>()
        .AddView<Extension>()
        .AddView<Leaderboard>(view => view.WithPartitions(1));
}
