using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;

namespace ActorStreams.Partitions.Watching;

/// <summary>
/// The watchers of one partition, by key. For each watched key the last changes are kept, also for a while after its last watcher has
/// left, so that a watcher that resumes is served from memory. A change that is folded again after a restart is recognised by its
/// position.
/// </summary>
internal sealed class KeyWatches(StreamsOptions options, TimeProvider time, PartitionMeter meter)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, WatchedKey> _keys = new(StringComparer.Ordinal);
    private int _watchers;
    private string? _closed;

    internal IReadOnlyCollection<string> Keys
    {
        get
        {
            lock (_gate)
                return [.. _keys.Keys];
        }
    }

    /// <summary>The number of watchers.</summary>
    internal int Count => Volatile.Read(ref _watchers);

    /// <summary>How long the changes of a key are kept after its last watcher has left.</summary>
    internal TimeSpan KeptFor => TimeSpan.FromSeconds(options.WatchHistorySeconds);

    /// <summary>
    /// Begins a watch at <paramref name="now"/>, the position up to which the partition is folded; to be called under the fold's gate.
    /// Changes after <paramref name="since"/> that are still in memory come first.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="now">The last position folded.</param>
    /// <param name="since">The last position the watcher has seen.</param>
    /// <param name="missing">
    /// True when changes between <paramref name="since"/> and <paramref name="now"/> are no longer in memory, if there were any.
    /// </param>
    /// <exception cref="WatchEndedException">The partition has left, or has as many watchers as it may.</exception>
    internal Watcher Begin(string key, ChangePosition now, ChangePosition since, out bool missing)
    {
        lock (_gate)
        {
            if (_closed is not null)
                throw new WatchEndedException(_closed);
            if (_watchers >= options.MaxWatchers)
                throw new WatchEndedException(
                    $"The partition has {_watchers} watchers, as many as Streams:MaxWatchers allows. Try again later.");
            if (!_keys.TryGetValue(key, out var watched))
                _keys.Add(key, watched = new(now));
            var isRemembered = since >= watched.HistoryStart;
            missing = !isRemembered && since < now;
            var watcher = new Watcher(this, key, missing ? now : since, options.WatchBufferChanges);
            // Where memory lacks changes that this session has not folded yet, since the one before was ahead,
            // the fold gives them all again.
            if (isRemembered)
                meter.Rewatched(watched.History.Count(change => watcher.Offer(change) == true));
            watched.Watchers.Add(watcher);
            _watchers++;
            return watcher;
        }
    }

    /// <summary>Gives a change to all watchers of its key; in the order of the fold, under its gate.</summary>
    internal void Publish(WatchedChange change)
    {
        lock (_gate)
        {
            if (!_keys.TryGetValue(change.Key, out var watched))
                return;
            watched.Remember(change, options.WatchHistoryChanges);
            var (given, dropped) = (0, 0);
            foreach (var watcher in watched.Watchers)
            {
                var taken = watcher.Offer(change);
                given += taken == true ? 1 : 0;
                dropped += taken == false ? 1 : 0;
            }

            meter.Watched(given, dropped);
        }
    }

    /// <summary>Ends all watches, and refuses new ones; each can be resumed elsewhere.</summary>
    internal void Close(string reason)
    {
        lock (_gate)
            _closed = reason;
        End(reason);
    }

    /// <summary>Ends all watches; each can be resumed.</summary>
    internal void End(string reason)
    {
        lock (_gate)
        {
            foreach (var watcher in _keys.Values.SelectMany(watched => watched.Watchers))
                watcher.End(reason);
        }
    }

    /// <summary>Drops the keys that have had no watcher for a while, and returns them.</summary>
    internal IReadOnlyCollection<string> Forget()
    {
        lock (_gate)
        {
            var left = _keys.Where(key => key.Value.Watchers.Count == 0 && time.GetElapsedTime(key.Value.LeftAt) > KeptFor)
                .Select(key => key.Key).ToList();
            foreach (var key in left)
                _keys.Remove(key);
            return left;
        }
    }

    /// <summary>A watcher has left.</summary>
    internal void Leave(Watcher watcher)
    {
        lock (_gate)
        {
            var watched = _keys[watcher.Key];
            if (!watched.Watchers.Remove(watcher))
                return;
            _watchers--;
            watched.LeftAt = time.GetTimestamp();
        }
    }

    private sealed class WatchedKey(ChangePosition start)
    {
        private ChangePosition _last = start;

        internal Queue<WatchedChange> History { get; } = [];

        /// <summary>All changes after this position are in <see cref="History"/>.</summary>
        internal ChangePosition HistoryStart { get; private set; } = start;

        internal HashSet<Watcher> Watchers { get; } = [];

        internal long LeftAt { get; set; }

        internal void Remember(WatchedChange change, int max)
        {
            if (change.Position <= _last)
                return;
            _last = change.Position;
            History.Enqueue(change);
            if (History.Count > max)
                HistoryStart = History.Dequeue().Position;
        }
    }
}
