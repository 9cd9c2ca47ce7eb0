using System.Threading.Channels;
using ActorStreams.Folding;
using ActorStreams.Grains.Telemetry;

namespace ActorStreams.Grains.Partitions;

/// <summary>
/// Who watches which keys of a partition. For each watched key the last changes are kept, also for a while after the last watcher has left, so that one
/// who comes back is served from memory. A change that is folded again after a restart is recognised by its position.
/// </summary>
internal sealed class KeyWatches(StreamsOptions options, TimeProvider time, PartitionMeter meter)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, KeyWatch> _keys = new(StringComparer.Ordinal);
    private int _watchers;
    private long _lastForget = time.GetTimestamp();

    internal IReadOnlyCollection<string> Keys
    {
        get
        {
            lock (_gate)
                return [.. _keys.Keys];
        }
    }

    /// <summary>How many watch.</summary>
    internal int Count => Volatile.Read(ref _watchers);

    /// <summary>Time to look for keys that nobody watches any more.</summary>
    internal bool ForgetDue => time.GetElapsedTime(Interlocked.Read(ref _lastForget)).TotalSeconds > Math.Max(1, options.WatchHistorySeconds / 4);

    private TimeSpan History => TimeSpan.FromSeconds(options.WatchHistorySeconds);

    /// <summary>
    /// Begins a watch at <paramref name="now"/>, the place up to which the partition is folded; to be called under the fold's gate. Changes after
    /// <paramref name="since"/> that are still in memory come first.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="now">The last place folded.</param>
    /// <param name="since">The last place the watcher has seen.</param>
    /// <param name="missing">True when changes between <paramref name="since"/> and <paramref name="now"/> are no longer in memory: those have to be folded again from the log.</param>
    /// <exception cref="WatchBrokenException">The partition has as many watchers as it may.</exception>
    internal Watcher Begin(string key, ChangePlace now, ChangePlace since, out bool missing)
    {
        lock (_gate)
        {
            if (_watchers >= options.MaxWatchers)
                throw new WatchBrokenException($"The partition has {_watchers} watchers, as many as MaxWatchers allows. Try again later.");
            if (!_keys.TryGetValue(key, out var watch))
                _keys.Add(key, watch = new(now));
            missing = since.CompareTo(now) < 0 && since.CompareTo(watch.HistoryStart) < 0;
            var watcher = new Watcher(this, key, missing ? now : since, options.WatchBufferChanges);
            if (!missing)
            {
                meter.Rewatched(watch.History.Count(change => watcher.Offer(change) == true));
            }

            watch.Watchers.Add(watcher);
            _watchers++;
            return watcher;
        }
    }

    /// <summary>Gives a change to all who watch its key; in the order of the fold, under its gate.</summary>
    internal void Publish(WatchedChange change)
    {
        lock (_gate)
        {
            if (!_keys.TryGetValue(change.Key, out var watch))
                return;
            watch.Remember(change, options.WatchHistoryChanges);
            var (given, dropped) = (0, 0);
            foreach (var watcher in watch.Watchers)
            {
                var taken = watcher.Offer(change);
                given += taken == true ? 1 : 0;
                dropped += taken == false ? 1 : 0;
            }

            meter.Watched(given, dropped);
        }
    }

    /// <summary>Ends all watches; each can be resumed elsewhere.</summary>
    internal void Break(string reason)
    {
        lock (_gate)
        {
            foreach (var watcher in _keys.Values.SelectMany(watch => watch.Watchers))
                watcher.Break(reason);
        }
    }

    /// <summary>Drops the keys that nobody has watched for a while, and says which.</summary>
    internal IReadOnlyCollection<string> Forget()
    {
        Interlocked.Exchange(ref _lastForget, time.GetTimestamp());
        lock (_gate)
        {
            var left = _keys.Where(key => key.Value.Watchers.Count == 0 && time.GetElapsedTime(key.Value.LeftAt) > History).Select(key => key.Key).ToList();
            foreach (var key in left)
                _keys.Remove(key);
            return left;
        }
    }

    private void End(Watcher watcher)
    {
        lock (_gate)
        {
            var watch = _keys[watcher.Key];
            if (!watch.Watchers.Remove(watcher))
                return;
            _watchers--;
            watch.LeftAt = time.GetTimestamp();
        }
    }

    /// <summary>One who watches a key: a bounded queue of changes after a place.</summary>
    internal sealed class Watcher(KeyWatches owner, string key, ChangePlace since, int buffer) : IDisposable
    {
        private readonly Channel<WatchedChange> _changes = Channel.CreateBounded<WatchedChange>(new BoundedChannelOptions(buffer) { SingleReader = true });
        private ChangePlace _last = since;

        internal string Key { get; } = key;

        internal IAsyncEnumerable<WatchedChange> ReadAllAsync(CancellationToken cancellationToken) => _changes.Reader.ReadAllAsync(cancellationToken);

        public void Dispose() => owner.End(this);

        /// <summary>Gives it a change: true when it takes it, false when it is too slow and its watch ends, null when it has it already or has ended.</summary>
        internal bool? Offer(WatchedChange change)
        {
            var place = ChangePlace.Of(change);
            if (place.CompareTo(_last) <= 0)
                return null;
            _last = place;
            if (_changes.Writer.TryWrite(change))
                return true;
            return Break($"The watcher is {buffer} changes behind. Resume from the last position.") ? false : null;
        }

        /// <summary>Ends the watch; false when it has ended.</summary>
        internal bool Break(string reason) => _changes.Writer.TryComplete(new WatchBrokenException(reason));
    }

    private sealed class KeyWatch(ChangePlace start)
    {
        private ChangePlace _last = start;

        internal Queue<WatchedChange> History { get; } = [];

        /// <summary>All changes after this place are in <see cref="History"/>.</summary>
        internal ChangePlace HistoryStart { get; private set; } = start;

        internal HashSet<Watcher> Watchers { get; } = [];

        internal long LeftAt { get; set; }

        internal void Remember(WatchedChange change, int max)
        {
            var place = ChangePlace.Of(change);
            if (place.CompareTo(_last) <= 0)
                return;
            _last = place;
            History.Enqueue(change);
            if (History.Count > max)
                HistoryStart = ChangePlace.Of(History.Dequeue());
        }
    }
}

/// <summary>The place of a change in its partition: the offset of the record, and its place among the changes which that record made.</summary>
internal readonly record struct ChangePlace(long Offset, int Ordinal) : IComparable<ChangePlace>
{
    internal static ChangePlace Of(WatchedChange change) => new(change.Offset, change.Index);

    /// <summary>The place up to which everything before an offset is seen.</summary>
    internal static ChangePlace Before(long offset) => new(offset - 1, int.MaxValue);

    public int CompareTo(ChangePlace other) => Offset != other.Offset ? Offset.CompareTo(other.Offset) : Ordinal.CompareTo(other.Ordinal);
}
