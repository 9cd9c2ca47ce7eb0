using System.Text;
using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Folding;

/// <summary>
/// One partition of a view of <see cref="Sample"/>s by itself: changes of samples are written as frames, folded, stored and read back.
/// </summary>
internal sealed class ViewRig<TView>
    where TView : class, IView<TView>
{
    private readonly FoldOptions _options;
    private readonly Dataset _view;
    private readonly FrameWriter _writer;
    private readonly List<byte[]> _frames = [];
    private long _offset;
    private PartitionFold _fold;

    internal ViewRig(FoldOptions options)
    {
        var topology = new TopologyBuilder { DefaultPartitions = 1 }.AddEntity<Sample>().AddView<TView>(view => view.Named("view")).Build();
        (_options, _view) = (options, topology.Of<TView>());
        _writer = new(topology.Of<Sample>(), 0);
        _fold = _view.CreateFold(0, _options);
        _fold.Restore(null);
    }

    internal InMemoryStateStore Store { get; } = new();

    internal PartitionFold Fold => _fold;

    /// <summary>Adds a change to the frame that is being written.</summary>
    internal void Write(string viewKey, string key, Sample? before, Sample? after)
    {
        _writer.Change(key, new(_offset, 0, 0, new(_view.Sources.Single().Topic, 0, _offset), Json(before), Json(after)), 1);
        _offset++;
        _writer.Route(before is null ? RouteKind.Entered : after is null ? RouteKind.Left : RouteKind.Stayed, 0, viewKey);
    }

    internal void CloseFrame()
    {
        if (_writer.Length > 0)
            _frames.Add(_writer.Take());
    }

    internal async Task<FoldOutput> FoldAsync(Action<FoldOutput>? publish = null)
    {
        return await _fold.FoldAsync(NextBatch(), Store, publish);
    }

    /// <summary>Folds what needs nothing from the store.</summary>
    internal void FoldInMemory()
    {
        Assert.False(_fold.Prepare(NextBatch()).Any);
        _fold.Fold();
    }

    private RecordBatch NextBatch()
    {
        CloseFrame();
        var from = (int)_fold.NextOffset;
        return new()
        {
            Partition = new(_view.Topic, 0),
            Records = [.. _frames.Skip(from).Select((frame, i) => new ChangeRecord { Offset = from + i, Timestamp = 0, Value = frame })],
            NextOffset = _frames.Count,
            EndOffset = _frames.Count,
        };
    }

    internal async Task CheckpointAsync()
    {
        var write = _fold.BeginCheckpoint();
        Assert.True(await Store.WriteCheckpointAsync(write));
        _fold.CheckpointWritten();
    }

    /// <summary>A crash: what is not stored is folded again.</summary>
    internal async Task RestartAsync()
    {
        _fold = _view.CreateFold(0, _options);
        _fold.Restore(await Store.ReadCheckpointAsync(_fold.Id));
        await FoldAsync();
    }

    internal async Task<string?> StateAsync(string viewKey)
    {
        await CheckpointAsync();
        var states = await Store.LoadAsync(_fold.Id, [viewKey]);
        return states.Count == 0 ? null : Encoding.UTF8.GetString(states[0].State.Span);
    }

    internal byte[]? Json(object? state) => state is null ? null : JsonSerializer.SerializeToUtf8Bytes(state, state.GetType(), _view.Json);
}

/// <summary>What a <see cref="ViewRig{TView}"/>'s changes are of.</summary>
internal sealed record Sample(int Value, bool Bad = false) : IEntity<Sample, Sample>
{
    public static Sample? Apply(Sample? state, in Record<Sample> record) => record.Value;
}
