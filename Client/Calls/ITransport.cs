using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Calls;

/// <summary>
/// A way to call silos: over HTTP, or as a client of their Orleans cluster. Every member throws <see cref="ActorStreamsException"/> and
/// nothing else that is not a bug.
/// </summary>
internal interface ITransport : IDisposable
{
    /// <summary>The silo or cluster that it calls, for messages.</summary>
    string Place { get; }

    /// <summary>The state of a key; null when it has none.</summary>
    Task<StateAnswer?> GetAsync(DatasetInfo dataset, string key, ReadOptions options, CancellationToken cancellationToken);

    Task<PageAnswer> ListAsync(DatasetInfo dataset, string? prefix, string? after, int limit, CancellationToken cancellationToken);

    /// <summary>One connection of a watch.</summary>
    Task<IWatchConnection> WatchAsync(DatasetInfo dataset, string key, string? since, CancellationToken cancellationToken);

    /// <summary>Sends a chunk, once.</summary>
    Task<IReadOnlyList<Position>> AppendAsync(string topic, AppendChunk chunk, string? idempotencyKey, CancellationToken cancellationToken);

    Task<IReadOnlyList<DatasetInfo>> DatasetsAsync(CancellationToken cancellationToken);

    Task<LineageInfo> LineageAsync(CancellationToken cancellationToken);

    Task<IReadOnlyList<TopicInfo>> TopicsAsync(CancellationToken cancellationToken);

    IAsyncEnumerable<LogRecord> ReadRecordsAsync(
        string topic, int? partition, long? from, int? limit, bool follow, CancellationToken cancellationToken);

    Task<IReadOnlyList<BuildInfo>> BuildsAsync(CancellationToken cancellationToken);

    /// <summary>Changes something about the builds, once, and answers all of them.</summary>
    Task<IReadOnlyList<BuildInfo>> ChangeAsync(BuildChange change, CancellationToken cancellationToken);

    Task<bool> IsReadyAsync(CancellationToken cancellationToken);
}

/// <summary>What is to be done with builds.</summary>
/// <param name="Act">What.</param>
/// <param name="Dataset">Of which dataset; null for a cutover of all.</param>
/// <param name="Build">Which build, where one is retired.</param>
internal sealed record BuildChange(BuildAct Act, string? Dataset = null, int Build = 0);

internal enum BuildAct
{
    Rebuild, Cutover, Rollback, Retire,
}

/// <summary>
/// One connection of a watch. It ends as connections do: <see cref="NextAsync"/> then answers null, whatever the reason;
/// what cannot be resumed is thrown.
/// </summary>
internal interface IWatchConnection : IAsyncDisposable
{
    ValueTask<WatchItem?> NextAsync(CancellationToken cancellationToken);
}

/// <summary>What a watch was sent: a state or a change, and the position to resume from.</summary>
internal sealed record WatchItem(StateAnswer? State, ChangeAnswer? Change, string? Id);
