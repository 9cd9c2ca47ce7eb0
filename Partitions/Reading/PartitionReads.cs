using System.Runtime.CompilerServices;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.States;

namespace ActorStreams.Partitions.Reading;

/// <summary>Everything that readers do with a partition on this silo: read, list, wait and watch, beside the loop and without a grain call.</summary>
internal static class PartitionReads
{
    /// <summary>A key's state, at the partition's present position.</summary>
    internal static async ValueTask<StateReply> ReadAsync(this PartitionRunner runner, string key, CancellationToken cancellationToken)
    {
        while (true)
        {
            var session = await runner.SessionAsync(cancellationToken);
            int generation;
            lock (session.Fold.Gate)
            {
                if (session.Fold.TryRead(key, out var row))
                    return runner.Reply(row, session.Fold.NextOffset);
                generation = session.Generation;
            }

            var stored = await runner.Services.Store.LoadAsync(session.Fold.Id, [key], cancellationToken);
            lock (session.Fold.Gate)
            {
                if (runner.Session != session)
                    continue;
                if (session.Fold.TryRead(key, out var row))
                    return runner.Reply(row, session.Fold.NextOffset);
                // What the store had is the state now, unless a checkpoint has come between.
                if (session.Generation == generation)
                    return runner.Reply(stored.Count == 0 ? row : new(key, stored[0].State.ToArray(), stored[0].Offset, stored[0].Timestamp), session.Fold.NextOffset);
            }
        }
    }

    /// <summary>States in key order: what the store has, under what it does not have yet.</summary>
    internal static async ValueTask<IReadOnlyList<StateReply>> ListAsync(this PartitionRunner runner, ListRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            var session = await runner.SessionAsync(cancellationToken);
            List<StateRow> unstored;
            int generation;
            lock (session.Fold.Gate)
                (unstored, generation) = (session.Fold.Unstored(request.Prefix, request.After), session.Generation);
            var limit = request.Limit + unstored.Count(row => row.State is null);
            var stored = await runner.Services.Store.ScanAsync(session.Fold.Id, request.Prefix, request.After, limit, cancellationToken);
            lock (session.Fold.Gate)
            {
                if (session.Generation == generation && runner.Session == session)
                    return [.. Merge(stored, unstored, stored.Count == limit).Take(request.Limit).Select(row => runner.Reply(row, session.Fold.NextOffset))];
            }
        }
    }

    /// <summary>What has become of records of the input log that were set aside.</summary>
    internal static async ValueTask<IReadOnlyList<DeadLetterState>> DeadLettersAsync(this PartitionRunner runner, IReadOnlyList<long> offsets, CancellationToken cancellationToken)
    {
        var session = await runner.SessionAsync(cancellationToken);
        lock (session.Fold.Gate)
            return [.. offsets.Select(offset => StateOf(session.Fold, offset))];
    }

    /// <summary>Waits until an offset is folded. False when the time ran out.</summary>
    internal static ValueTask<bool> WaitFoldedAsync(this PartitionRunner runner, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        runner.WaitAsync(() => runner.Session?.Fold.NextOffset > offset, timeout, cancellationToken);

    /// <summary>Waits until an offset is folded and its changes are durable in the views' input logs. False when the time ran out.</summary>
    internal static ValueTask<bool> WaitRoutedAsync(this PartitionRunner runner, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        runner.WaitAsync(() => runner.Session?.Routed > offset, timeout, cancellationToken);

    /// <summary>The state and then each change, or the changes after a place.</summary>
    internal static async IAsyncEnumerable<WatchReply> WatchAsync(
        this PartitionRunner runner, string key, WatchRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await runner.SessionAsync(cancellationToken);
        if (request.SinceOffset is { } asked && asked >= runner.EndOffset && asked > 0)
        {
            throw new WatchPositionException(
                $"The watch of '{key}' is to go on after {runner.Input}:{asked}, but that log ends at {runner.EndOffset}. Take a position that this log has given out.");
        }

        var since = request.SinceOffset is { } offset ? new ChangePlace(offset, request.SinceOrdinal) : (ChangePlace?)null;
        var (watcher, now, missing) = runner.Watch(key, session =>
        {
            var place = ChangePlace.Before(session!.Fold.NextOffset);
            return (runner.Watches.Begin(key, place, since ?? place, out var gap), place, gap);
        });
        using (watcher)
        {
            var seen = since ?? now;
            if (since is null)
            {
                var state = await runner.ReadAsync(key, cancellationToken);
                if (state.Position.Offset < now.Offset)
                    throw new WatchBrokenException("The partition began again from its checkpoint. Watch again.");
                seen = new(state.Position.Offset, int.MaxValue);
                yield return new() { State = state };
            }
            else if (missing)
            {
                await foreach (var change in KeyHistory.FoldAsync(runner.Services, runner.Dataset, runner.Partition, key, seen, now.Offset + 1, cancellationToken))
                {
                    runner.Meter.Rewatched(1);
                    yield return new() { Change = runner.Reply(change) };
                }

                seen = now;
            }

            await foreach (var change in watcher.ReadAllAsync(cancellationToken))
            {
                if (ChangePlace.Of(change).CompareTo(seen) > 0)
                    yield return new() { Change = runner.Reply(change) };
            }
        }
    }

    /// <summary>After a failure a partition stands before records that it will set aside once more.</summary>
    private static DeadLetterState StateOf(PartitionFold fold, long offset) =>
        fold.OpenDeadLetters is not { } open ? DeadLetterState.Unknown
        : open.Contains(offset) || offset >= fold.NextOffset ? DeadLetterState.Open
        : offset < open.KnownFrom ? DeadLetterState.Unknown : DeadLetterState.Folded;

    private static async ValueTask<PartitionSession> SessionAsync(this PartitionRunner runner, CancellationToken cancellationToken)
    {
        if (runner.Session is { } session)
            return session;
        if (!await runner.WaitAsync(() => runner.Session is not null, OpenTimeout, cancellationToken) || runner.Session is null)
        {
            throw new PartitionUnavailableException($"{runner.Dataset} partition {runner.Partition} does not answer: {runner.Reason ?? "it is starting"}. Try again.");
        }

        return runner.Session;
    }

    /// <summary>How long a reader waits for a partition that is being opened.</summary>
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);

    private static async ValueTask<bool> WaitAsync(this PartitionRunner runner, Func<bool> reached, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (reached())
            return true;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        while (true)
        {
            var next = runner.Advanced.Next;
            if (reached())
                return true;
            if (runner.Status == PartitionRunner.RunnerStatus.Closed)
                throw new PartitionUnavailableException($"{runner.Dataset} partition {runner.Partition} has left this silo. Try again.");
            if (limit.IsCancellationRequested)
                break;
            await next.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return false;
    }

    /// <summary>What is unstored wins. Where the store has more than it gave, nothing after its last key may be told yet.</summary>
    private static IEnumerable<StateRow> Merge(IReadOnlyList<StoredState> stored, List<StateRow> unstored, bool storeHasMore)
    {
        var rows = new SortedDictionary<string, StateRow>(KeyOrder.Instance);
        foreach (var state in stored)
            rows[state.Key] = new(state.Key, state.State.ToArray(), state.Offset, state.Timestamp);
        var last = storeHasMore ? stored[^1].Key : null;
        foreach (var row in unstored)
        {
            if (last is null || KeyOrder.Instance.Compare(row.Key, last) <= 0)
                rows[row.Key] = row;
        }

        return rows.Values.Where(row => row.State is not null);
    }

    private static StateReply Reply(this PartitionRunner runner, StateRow row, long nextOffset) => new()
    {
        Key = row.Key,
        State = row.State,
        Position = new(runner.Dataset.Topic, runner.Partition, nextOffset - 1),
        Timestamp = row.Timestamp,
        BehindRecords = runner.BehindRecords,
        BehindSeconds = runner.BehindSeconds,
    };

    private static ChangeReply Reply(this PartitionRunner runner, WatchedChange change) => new()
    {
        Key = change.Key,
        Before = change.Before,
        After = change.After,
        Position = new(runner.Dataset.Topic, runner.Partition, change.Offset),
        Ordinal = change.Index,
        Trigger = PositionReply.From(change.Cause.Trigger),
        Root = PositionReply.From(change.Cause.Root),
        Timestamp = change.Timestamp,
    };
}
