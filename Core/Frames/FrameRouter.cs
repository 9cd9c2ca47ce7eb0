using ActorStreams.DeadLetters;
using ActorStreams.Definitions;
using ActorStreams.Json;
using ActorStreams.States;

namespace ActorStreams.Frames;

/// <summary>
/// Sends the changes of one partition to the keys of every view that has its dataset as a source (semantics §3, §4). A view key that lost
/// the source receives (before, nothing), a new one (nothing, after), one that kept it both. The running index of the origin is counted
/// for each view by itself, so that a view more or less changes nothing for the others.
/// </summary>
internal sealed class FrameRouter<TState>
    where TState : class
{
    /// <summary>Up to here a plain search beats hashing.</summary>
    private const int SmallKeySet = 16;

    private readonly Target[] _targets;
    private readonly Dataset<TState> _source;
    private readonly int _sourcePartition;
    private readonly int _maxFrameBytes;
    private readonly List<string> _before = [];
    private readonly List<string> _after = [];
    private readonly HashSet<string> _beforeSet = new(StringComparer.Ordinal);
    private readonly HashSet<string> _afterSet = new(StringComparer.Ordinal);
    private readonly List<RouteTo> _routes = [];
    private readonly List<RouteTo> _taken = [];

    internal FrameRouter(Dataset<TState> dataset, int partition, int maxFrameBytes)
    {
        (_source, _sourcePartition, _maxFrameBytes) = (dataset, partition, maxFrameBytes);
        var routers = dataset.Routers;
        _targets = [.. dataset.DependentEdges.Select((edge, i) => new Target(edge.View, routers[i], dataset, partition))];
    }

    /// <summary>How far each edge reaches; all of them everything, unless a checkpoint says otherwise.</summary>
    internal IEnumerable<EdgeReach> Edges => _targets.Select(target => target.Edge);

    internal bool HasRoutes => _targets.Length > 0;

    internal void BeginRecord()
    {
        foreach (var target in _targets)
            target.NextIndex = 0;
    }

    internal void Route(string key, TState? before, TState? after, in SourceChange change, List<Frame> frames, List<DeadLetter> deadLetters)
    {
        foreach (var target in _targets)
        {
            if (!target.Edge.Covers(key))
                continue;
            FindRoutes(target, key, before, after, change, deadLetters);
            if (_routes.Count > 0)
                Write(target, key, change, frames);
        }
    }

    /// <summary>
    /// Takes the edges of a checkpoint. An edge that it does not have is of a view that is new here, and has to be backfilled.
    /// </summary>
    /// <param name="stored">The edges of the checkpoint.</param>
    /// <param name="isBeforeEdges">Whether it is of a version that knew no edges.</param>
    /// <param name="create">Makes an edge that reaches nothing yet.</param>
    /// <returns>The edges of views that are here no more.</returns>
    internal IReadOnlyList<EdgeReach> Restore(
        IReadOnlyList<EdgeReach> stored, bool isBeforeEdges, Func<Dataset, EdgeReach> create)
    {
        foreach (var target in _targets)
        {
            var view = target.View;
            target.Edge = stored.FirstOrDefault(edge => edge.View == view.Name && edge.Build == view.Build)
                ?? (isBeforeEdges && view.IsBeforeEdges ? EdgeReach.All(view.Name, view.Build) : create(view));
        }

        return [.. stored.Where(edge => !Edges.Contains(edge))];
    }

    /// <summary>Tells every partition of a view the edge's epoch: frames of those before do not count any more.</summary>
    internal void Fence(EdgeReach edge, List<Frame> frames)
    {
        var target = Array.Find(_targets, target => target.Edge == edge)!;
        for (var partition = 0; partition < target.Writers.Length; partition++)
            frames.Add(new(target.View, partition, target.Writer(partition).TakeEmpty(), 0));
    }

    /// <summary>Sends the next stored states to a view that lacks them, in key order, as (nothing, state).</summary>
    /// <param name="edge">The edge.</param>
    /// <param name="states">The states of the chunk, with what they read back as; null where one cannot be read.</param>
    /// <param name="isEnd">Nothing is left after this chunk.</param>
    /// <param name="frames">Takes the frames.</param>
    /// <param name="deadLetters">Takes what cannot be routed.</param>
    internal void Backfill(
        EdgeReach edge, IEnumerable<(StoredState Stored, Func<TState?> Read)> states, bool isEnd, List<Frame> frames,
        List<DeadLetter> deadLetters)
    {
        var target = Array.Find(_targets, target => target.Edge == edge)!;
        target.NextIndex = Origin.FirstOfBackfill + edge.Sent;
        var (passed, last) = (0, (string?)null);
        foreach (var (stored, read) in states)
        {
            (passed, last) = (passed + 1, stored.Key);
            var change = new SourceChange(
                edge.ChunkAt - 1, 0, stored.Timestamp, new(_source.Topic, _sourcePartition, stored.Offset), null, stored.State.ToArray());
            TState? state;
            try
            {
                state = read();
            }
            catch (Exception error)
            {
                deadLetters.Add(Unroutable(target.View, stored.Key, change, error));
                continue;
            }

            FindRoutes(target, stored.Key, null, state, change, deadLetters);
            if (_routes.Count > 0)
                Write(target, stored.Key, change, frames);
        }

        edge.Sent = target.NextIndex - Origin.FirstOfBackfill;
        edge.Advance(passed, last, isEnd);
        target.NextIndex = 0;
        Flush(frames);
    }

    /// <summary>Closes all frames that have something in them.</summary>
    internal void Flush(List<Frame> frames)
    {
        foreach (var target in _targets)
        {
            for (var partition = 0; partition < target.Writers.Length; partition++)
                target.Close(partition, frames);
        }
    }

    /// <summary>In the order of the view keys' UTF-8 bytes: the same on every run, in whatever order the user's code gives them.</summary>
    private void FindRoutes(Target target, string key, TState? before, TState? after, in SourceChange change, List<DeadLetter> deadLetters)
    {
        _routes.Clear();
        // A state before on which KeysOf throws was routed to no key, so no key has to lose it.
        Keys(target, key, before, _before, _beforeSet);
        if (Keys(target, key, after, _after, _afterSet) is { } error)
            deadLetters.Add(Unroutable(target.View, key, change, error));
        foreach (var viewKey in _before)
            _routes.Add(
                new(viewKey, Contains(_after, _afterSet, viewKey) ? RouteKind.Stayed : RouteKind.Left, target.View.PartitionOf(viewKey)));
        foreach (var viewKey in _after)
        {
            if (!Contains(_before, _beforeSet, viewKey))
                _routes.Add(new(viewKey, RouteKind.Entered, target.View.PartitionOf(viewKey)));
        }

        if (_routes.Count > 1)
            _routes.Sort(static (x, y) => KeyOrder.Instance.Compare(x.ViewKey, y.ViewKey));
        for (var i = 0; i < _routes.Count; i++)
            _routes[i] = _routes[i] with { Index = target.NextIndex++ };
    }

    private static Exception? Keys(Target target, string key, TState? state, List<string> keys, HashSet<string> set)
    {
        keys.Clear();
        set.Clear();
        if (state is null)
            return null;
        try
        {
            foreach (var viewKey in target.Router.KeysOf(key, state))
            {
                if (Contains(keys, set, viewKey))
                    continue;
                if (viewKey is null)
                    throw new InvalidOperationException("KeysOf gave a null key.");
                if (KeyText.FaultOf(viewKey) is { } fault)
                    throw new InvalidOperationException(fault);
                if (keys.Count == target.MaxKeys)
                    throw new InvalidOperationException(
                        $"It concerns more than {target.MaxKeys} view keys. Let it concern fewer, or raise WithMaxKeysPerState of the "
                        + "view.");
                keys.Add(viewKey);
                if (keys.Count == SmallKeySet)
                    set.UnionWith(keys);
                else if (keys.Count > SmallKeySet)
                    set.Add(viewKey);
            }

            return null;
        }
        catch (Exception error)
        {
            // User code may throw anything. Its state is then routed to no key, and becomes a dead letter.
            keys.Clear();
            set.Clear();
            return error;
        }
    }

    private static bool Contains(List<string> keys, HashSet<string> set, string key) =>
        keys.Count < SmallKeySet ? keys.Contains(key) : set.Contains(key);

    /// <summary>
    /// A change stands once in the frame of each partition, with all its routes there, unless those are too many for one frame.
    /// </summary>
    private void Write(Target target, string key, in SourceChange change, List<Frame> frames)
    {
        target.Timestamp = change.Timestamp;
        var changeBytes = FrameWriter.MaxBytesOf(key, change);
        for (var first = 0; first < _routes.Count; first++)
        {
            var partition = _routes[first].Partition;
            if (partition < 0)
                continue;
            TakeRoutesTo(partition, first);
            for (var from = 0; from < _taken.Count;)
            {
                var (count, bytes) = Fitting(from, changeBytes);
                var writer = target.Writer(partition);
                if (writer.Length > 0 && writer.Length + bytes > FoldLimits.MaxFrameBytes)
                    target.Close(partition, frames);
                writer.Change(key, change, count);
                for (var end = from + count; from < end; from++)
                    writer.Route(_taken[from].Kind, _taken[from].Index, _taken[from].ViewKey);
                if (writer.Length >= _maxFrameBytes)
                    target.Close(partition, frames);
            }
        }
    }

    private void TakeRoutesTo(int partition, int first)
    {
        _taken.Clear();
        for (var i = first; i < _routes.Count; i++)
        {
            if (_routes[i].Partition != partition)
                continue;
            _taken.Add(_routes[i]);
            _routes[i] = _routes[i] with { Partition = -1 };
        }
    }

    /// <summary>How many of the routes taken fit into one frame with their change, and how many bytes that is.</summary>
    private (int Count, int Bytes) Fitting(int from, int changeBytes)
    {
        var (count, bytes) = (0, changeBytes);
        for (var i = from; i < _taken.Count; i++, count++)
        {
            var route = FrameWriter.MaxBytesOf(_taken[i].ViewKey);
            if (count > 0 && bytes + route > FoldLimits.MaxFrameBytes)
                break;
            bytes += route;
        }

        return (count, bytes);
    }

    private DeadLetter Unroutable(Dataset view, string key, in SourceChange change, Exception error) => new(
        view.Name, new(_source.Topic, _sourcePartition, change.Offset), change.Index, key,
        $"The state of '{KeyText.Shown(key)}' could not be routed to {view}: {ExceptionText.Of(error)}", ExceptionText.WithStack(error),
            change.After, change.Timestamp)
    {
        Kind = FaultKind.RouteFailed,
    };

    private readonly record struct RouteTo(string ViewKey, RouteKind Kind, int Partition, long Index = 0);

    private sealed class Target(Dataset view, Router<TState> router, Dataset source, int sourcePartition)
    {
        internal Dataset View { get; } = view;

        internal Router<TState> Router { get; } = router;

        internal int MaxKeys { get; } = ((IRoutes)view).MaxKeysPerState;

        internal FrameWriter?[] Writers { get; } = new FrameWriter?[view.Partitions];

        internal EdgeReach Edge { get; set; } = EdgeReach.All(view.Name, view.Build);

        internal long NextIndex { get; set; }

        internal long Timestamp { get; set; }

        internal FrameWriter Writer(int partition)
        {
            var writer = Writers[partition] ??= new(source, sourcePartition);
            writer.Epoch = Edge.Epoch;
            return writer;
        }

        internal void Close(int partition, List<Frame> frames)
        {
            if (Writers[partition] is { Length: > 0 } writer)
                frames.Add(new(View, partition, writer.Take(), Timestamp));
        }
    }
}
