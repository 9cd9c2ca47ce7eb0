using System.Runtime.CompilerServices;
using ActorStreams.Folding;
using ActorStreams.Log;
using ActorStreams.Partitions.Running;
using ActorStreams.Partitions.Watching;

namespace ActorStreams.Partitions.Reading;

/// <summary>
/// A watch of one key: its state and then each change, or the changes after a position, with no gap and no repeat (semantics §6).
/// </summary>
internal static class PartitionWatches
{
    /// <summary>Watches a key.</summary>
    /// <param name="runner">The partition.</param>
    /// <param name="key">The key.</param>
    /// <param name="since">The last position seen; null to begin with the present state.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <exception cref="UnknownPositionException">The log has not given out that position, or no longer keeps
    /// what came after it.</exception>
    /// <exception cref="WatchEndedException">The watch is to be resumed from the last position seen.</exception>
    /// <exception cref="PartitionClosedException">The partition does not answer here.</exception>
    internal static async IAsyncEnumerable<WatchItem> WatchAsync(
        this PartitionRunner runner, string key, ChangePosition? since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await runner.ReadableAsync(cancellationToken);
        if (since is { } asked)
            await runner.CheckAsync(key, asked, cancellationToken);
        var (watcher, now, missing) = runner.Watch(key, readable =>
        {
            var folded = ChangePosition.Before(runner.Partition, readable.Fold.NextOffset);
            return (runner.Watches.Begin(key, folded, since ?? folded, out var gap), folded, gap);
        });
        using (watcher)
        {
            var seen = since ?? now;
            if (since is null)
            {
                var state = await runner.ReadAsync(key, cancellationToken);
                if (state.Offset < now.Offset)
                    throw new WatchEndedException("The partition began again from its checkpoint. Watch again.");
                seen = new(runner.Partition, state.Offset, ChangePosition.AllOfRecord);
                yield return new(state, null);
            }
            else if (missing && await runner.HasChangedAsync(key, seen, cancellationToken))
            {
                await foreach (var change in runner.History.ReadAsync(key, seen, now.Offset + 1, cancellationToken))
                {
                    runner.Meter.Rewatched(1);
                    yield return new(null, change);
                }

                seen = now;
            }

            await foreach (var change in watcher.ReadAllAsync(cancellationToken))
            {
                if (change.Position > seen)
                    yield return new(null, change);
            }
        }
    }

    /// <summary>
    /// Whether a key may have changed after a position. Its state contains the position of the last record folded into it, so a key that
    /// has not changed costs one read; a key without a state may have come and gone.
    /// </summary>
    private static async ValueTask<bool> HasChangedAsync(
        this PartitionRunner runner, string key, ChangePosition since, CancellationToken cancellationToken)
    {
        var state = await runner.ReadAsync(key, cancellationToken);
        return state.State is null || state.Changed > since.Offset
            || (state.Changed == since.Offset && since.Index != ChangePosition.AllOfRecord
                && runner.Dataset.Kind == Definitions.DatasetKind.View);
    }

    /// <summary>
    /// A position beyond the end is of another log. The end known to this process may be old, so the log is queried before the position
    /// is refused.
    /// </summary>
    private static async ValueTask CheckAsync(
        this PartitionRunner runner, string key, ChangePosition since, CancellationToken cancellationToken)
    {
        if (since.Offset <= 0 || since.Offset < runner.EndOffset)
            return;
        var end = (await runner.Services.Log.OffsetsAsync(runner.Dataset.Topic, cancellationToken))[runner.Partition].End;
        if (since.Offset >= end)
        {
            throw new UnknownPositionException(
                $"The watch of '{key}' is to be resumed after {runner.Input}:{since.Offset}, but that log ends at {end}. "
                + "Use a position that this log has given out.");
        }
    }
}
