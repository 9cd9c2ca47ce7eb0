using System.Text;
using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Folding;

/// <summary>
/// A topology of one partition a dataset, live at its hardest: after every record all is stored, and new owners with empty tables go on.
/// What a state loses by that, or what an order
/// in memory changes, shows as a difference from <see cref="ActorStreams.Batch.BatchRunner"/>.
/// </summary>
internal sealed class RestartingRun(Topology topology)
{
    private readonly InMemoryChangeLog _log = new();
    private readonly InMemoryStateStore _store = new();

    internal List<string> DeadLetters { get; } = [];

    internal static Topology Of(Action<TopologyBuilder> add)
    {
        var builder = new TopologyBuilder { DefaultPartitions = 1 };
        add(builder);
        return builder.Build();
    }

    /// <summary>Appends a record as JSON (null: a tombstone), and folds it through all datasets.</summary>
    internal async Task AppendAsync<TEntity>(string key, object? value, long timestamp = 1_000) =>
        await AppendAsync<TEntity>(
            key, value is null
                ? null
                : JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), topology.Of<TEntity>().Json), timestamp);

    internal async Task AppendAsync<TEntity>(string key, byte[]? value, long timestamp = 1_000)
    {
        foreach (var dataset in topology.Datasets)
            await _log.CreateTopicAsync(dataset.Topic, 1);
        await _log.AppendAsync(
            topology.Of<TEntity>().Topic,
                [new() { Partition = 0, Timestamp = timestamp, Key = Encoding.UTF8.GetBytes(key), Value = value is null
                    ? default(ReadOnlyMemory<byte>?)
                    : value }]);
        foreach (var dataset in topology.Datasets)
            await FoldAsync(dataset);
    }

    internal async Task<string?> StateAsync<TState>(string key)
    {
        var found = await _store.LoadAsync(new(topology.Of<TState>().Name, 1, 0), [key]);
        return found.Count == 0 ? null : Encoding.UTF8.GetString(found[0].State.Span);
    }

    internal async Task<IReadOnlyList<string>> StatesAsync<TState>() =>
        [.. (await _store.ScanAsync(new(topology.Of<TState>().Name, 1, 0), "", null, int.MaxValue)).Select(
            row => $"{row.Key} {Encoding.UTF8.GetString(row.State.Span)}")];

    /// <summary>The states are those of a batch over the same records.</summary>
    internal async Task AssertIsBatchAsync<TState>()
    {
        var batch = await new ActorStreams.Batch.BatchRunner(topology, _log).RunAsync();
        Assert.Equal(batch.Json(topology.Of<TState>().Name).Select(row =>
            $"{row.Key} {Encoding.UTF8.GetString(row.Value)}"), await StatesAsync<TState>());
    }

    private async Task FoldAsync(Dataset dataset)
    {
        var fold = dataset.CreateFold(0, new() { TableEntries = 0, SpareRanks = 0, KnownElements = 0 });
        fold.Restore(await _store.ReadCheckpointAsync(fold.Id));
        var end = (await _log.OffsetsAsync(dataset.Topic))[0].End;
        while (fold.NextOffset < end)
        {
            await using var batches = _log.ReadAsync(new(dataset.Topic, 0), fold.NextOffset, new(1, int.MaxValue)).GetAsyncEnumerator();
            await batches.MoveNextAsync();
            var output = await fold.FoldAsync(batches.Current, _store);
            DeadLetters.AddRange(output.DeadLetters.Select(letter => letter.Reason));
            foreach (var frame in output.Frames)
                await _log.AppendAsync(
                    frame.View.Topic, [new() { Partition = frame.Partition, Timestamp = frame.Timestamp, Value = frame.Bytes }]);
            Assert.True(await _store.WriteCheckpointAsync(fold.BeginCheckpoint()));
            fold.CheckpointWritten();
        }
    }
}
