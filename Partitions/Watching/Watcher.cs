using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ActorStreams.Folding;
using ActorStreams.Log;

namespace ActorStreams.Partitions.Watching;

/// <summary>One watcher of a key: a bounded queue of changes after a position.</summary>
internal sealed class Watcher(KeyWatches owner, string key, ChangePosition since, int buffer) : IDisposable
{
    private readonly Channel<WatchedChange> _changes =
        Channel.CreateBounded<WatchedChange>(new BoundedChannelOptions(buffer) { SingleReader = true });
    private ChangePosition _last = since;

    internal string Key { get; } = key;

    /// <summary>The changes, as they come.</summary>
    /// <exception cref="WatchEndedException">The watch has ended, and is to be resumed.</exception>
    internal async IAsyncEnumerable<WatchedChange> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await _changes.Reader.WaitToReadAsync(cancellationToken))
        {
            while (_changes.Reader.TryRead(out var change))
                yield return change;
        }
    }

    public void Dispose() => owner.Leave(this);

    /// <summary>Offers a change.</summary>
    /// <returns>True when it is taken; false when the watcher is too slow, which ends its watch; null when it has it
    /// already or has ended.</returns>
    internal bool? Offer(WatchedChange change)
    {
        if (change.Position <= _last)
            return null;
        _last = change.Position;
        if (_changes.Writer.TryWrite(change))
            return true;
        return End($"The watcher is {buffer} changes behind, as many as Streams:WatchBufferChanges allows. Resume from the last position.")
            ? false
            : null;
    }

    /// <summary>Ends the watch; false when it has ended before.</summary>
    internal bool End(string reason) => _changes.Writer.TryComplete(new WatchEndedException(reason));
}

/// <summary>A watch has ended that can be resumed from the last position seen.</summary>
internal sealed class WatchEndedException(string message) : Exception(message);

/// <summary>A watch was to be resumed from a position that this log has not given out, or can no longer be read from.</summary>
internal sealed class UnknownPositionException(string message) : Exception(message);
