using ActorStreams.Benchmarks.Inputs;
using ActorStreams.Definitions;
using ActorStreams.Log;
using ActorStreams.States;
using ActorStreams.Storage.Sqlite.Log;
using ActorStreams.Storage.Sqlite.States;

namespace ActorStreams.Benchmarks.Silo;

/// <summary>
/// Where a benchmarked silo has its log and its states; every round begins with a log that holds the input alone,
/// and a store that holds nothing.
/// </summary>
internal abstract class SiloParts
{
    private const int AppendRecords = 10_000;

    /// <summary>The application whose topics the next round writes to.</summary>
    public virtual string Application => "actorstreams";

    /// <summary>Writes the input, once for all rounds.</summary>
    public abstract Task FillAsync(Input input, Dataset entity);

    /// <summary>Opens what the next round runs on.</summary>
    public abstract Task<(IChangeLog Log, IStateStore Store)> OpenAsync(Topology topology);

    /// <summary>Closes what was opened last.</summary>
    public abstract Task CloseAsync();

    protected static async Task AppendAsync(IChangeLog log, Input input, Dataset entity)
    {
        foreach (var chunk in input.Records.Chunk(AppendRecords))
            await log.AppendAsync(entity.Topic, [.. chunk.Select(record => NewRecordOf(record, entity))]);
    }

    public static NewRecord NewRecordOf(in ChangeRecord record, Dataset entity) => new()
    {
        Partition = Partitioner.PartitionOf(record.Key!.Value.Span, entity.Partitions),
        Timestamp = record.Timestamp,
        Key = record.Key,
        Value = record.Value,
    };
}

/// <summary>The embedded log and store.</summary>
internal sealed class EmbeddedParts(TemporaryDirectory directory) : SiloParts
{
    private readonly string _filled = directory.NewFile("filled.log");
    private SqliteChangeLog? _log;
    private SqliteStateStore? _store;

    public override async Task FillAsync(Input input, Dataset entity)
    {
        await using var log = SqliteChangeLog.Open(new() { Path = _filled });
        await log.CreateTopicAsync(entity.Topic, entity.Partitions);
        await AppendAsync(log, input, entity);
    }

    public override Task<(IChangeLog Log, IStateStore Store)> OpenAsync(Topology topology)
    {
        var file = directory.NewFile("log");
        File.Copy(_filled, file);
        _log = SqliteChangeLog.Open(new() { Path = file });
        _store = SqliteStateStore.Open(new() { Path = directory.NewFile("states") });
        return Task.FromResult<(IChangeLog, IStateStore)>((_log, _store));
    }

    public override async Task CloseAsync()
    {
        await _log!.DisposeAsync();
        await _store!.DisposeAsync();
    }
}
