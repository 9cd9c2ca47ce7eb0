using ActorStreams.DeadLetters;
using ActorStreams.Definitions;

namespace ActorStreams.Frames;

/// <summary>
/// Sends the changes of one partition to the keys of every view that has its dataset as a source (semantics §3, §4). A view key that lost
/// the source is told (before, nothing), a new one (nothing, after), one that kept it both. The running index of the origin is counted for
/// each view by itself, so that a view more or less changes nothing for the others.
/// </summary>
internal sealed class FrameRouter<TState>
    where TState : class
{
    /// <summary>Up to here a plain search beats hashing.</summary>
    private const int SmallKeySet = 16;

    private readonly Target[] _targets;
    private readonly int _maxKeys;
    private readonly int _maxFrameBytes;
    private readonly List<string> _before = [];
    private readonly List<string> _after = [];
    private readonly HashSet<string> _beforeSet = new(StringComparer.Ordinal);
    private readonly HashSet<string> _afterSet = new(StringComparer.Ordinal);
    private readonly List<RouteTo> _routes = [];

    internal FrameRouter(Dataset<TState> dataset, int partition, int maxKeysPerState, int maxFrameBytes)
    {
        (_maxKeys, _maxFrameBytes) = (maxKeysPerState, maxFrameBytes);
        var routers = dataset.Routers;
        _targets = [.. dataset.DependentEdges.Select((edge, i) => new Target(edge.View, routers[i], dataset, partition))];
    }

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
            FindRoutes(target, key, before, after, change, deadLetters);
            if (_routes.Count > 0)
                Write(target, key, change, frames);
        }
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

    /// <summary>
    /// Left and stayed in the order of the keys before, then entered in the order of the keys after: the same on every run.
    /// </summary>
    private void FindRoutes(Target target, string key, TState? before, TState? after, in SourceChange change, List<DeadLetter> deadLetters)
    {
        _routes.Clear();
        // Where the keys of the state before could not be told, nobody was told of it, and so it has nobody to leave.
        Keys(target, key, before, _before, _beforeSet);
        if (Keys(target, key, after, _after, _afterSet) is { } error)
            deadLetters.Add(Unroutable(target.View, key, change, error));
        foreach (var viewKey in _before)
            Add(target, viewKey, Contains(_after, _afterSet, viewKey) ? RouteKind.Stayed : RouteKind.Left);
        foreach (var viewKey in _after)
        {
            if (!Contains(_before, _beforeSet, viewKey))
                Add(target, viewKey, RouteKind.Entered);
        }
    }

    private void Add(Target target, string viewKey, RouteKind kind) =>
        _routes.Add(new(viewKey, kind, target.NextIndex++, target.View.PartitionOf(viewKey)));

    private Exception? Keys(Target target, string key, TState? state, List<string> keys, HashSet<string> set)
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
                if (keys.Count == _maxKeys)
                    throw new InvalidOperationException(
                        $"The state of '{key}' concerns more than {_maxKeys} keys of {target.View}. "
                        + "Raise MaxKeysPerState, or let it concern fewer.");
                keys.Add(viewKey ?? throw new InvalidOperationException($"KeysOf of {target.View} gave a null key for '{key}'."));
                if (keys.Count == SmallKeySet)
                    set.UnionWith(keys);
                else if (keys.Count > SmallKeySet)
                    set.Add(viewKey);
            }

            return null;
        }
        catch (Exception error)
        {
            // The user's code may throw anything; its state then concerns nobody, and the dead letter says so.
            keys.Clear();
            set.Clear();
            return error;
        }
    }

    private static bool Contains(List<string> keys, HashSet<string> set, string key) =>
        keys.Count < SmallKeySet ? keys.Contains(key) : set.Contains(key);

    /// <summary>A change stands once in the frame of each partition, with all its routes there.</summary>
    private void Write(Target target, string key, in SourceChange change, List<Frame> frames)
    {
        for (var first = 0; first < _routes.Count; first++)
        {
            var partition = _routes[first].Partition;
            if (partition < 0)
                continue;
            var count = 0;
            for (var i = first; i < _routes.Count; i++)
                count += _routes[i].Partition == partition ? 1 : 0;
            var writer = target.Writer(partition);
            writer.Change(key, change, count);
            for (var i = first; i < _routes.Count; i++)
            {
                if (_routes[i].Partition != partition)
                    continue;
                writer.Route(_routes[i].Kind, _routes[i].Index, _routes[i].ViewKey);
                _routes[i] = _routes[i] with { Partition = -1 };
            }

            target.Timestamp = change.Timestamp;
            if (writer.Length >= _maxFrameBytes)
                target.Close(partition, frames);
        }
    }

    private static DeadLetter Unroutable(Dataset view, string key, in SourceChange change, Exception error) => new(
        view.Name, change.Root, 0, key,
        $"The state of '{key}' could not be routed to {view}: {error.Message}", error.ToString(), change.After, change.Timestamp)
    {
        Kind = FaultKinds.RouteFailed,
    };

    private readonly record struct RouteTo(string ViewKey, RouteKind Kind, int Index, int Partition);

    private sealed class Target(Dataset view, Router<TState> router, Dataset source, int sourcePartition)
    {
        internal Dataset View { get; } = view;

        internal Router<TState> Router { get; } = router;

        internal FrameWriter?[] Writers { get; } = new FrameWriter?[view.Partitions];

        internal int NextIndex { get; set; }

        internal long Timestamp { get; set; }

        internal FrameWriter Writer(int partition) => Writers[partition] ??= new(source, sourcePartition);

        internal void Close(int partition, List<Frame> frames)
        {
            if (Writers[partition] is { Length: > 0 } writer)
                frames.Add(new(View, partition, writer.Take(), Timestamp));
        }
    }
}
