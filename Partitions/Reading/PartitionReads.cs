using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Partitions.Running;
using ActorStreams.States;

namespace ActorStreams.Partitions.Reading;

/// <summary>Everything that readers do with a partition of this process, beside its loop: read, list and wait.</summary>
internal static class PartitionReads
{
    /// <summary>How long a reader waits for a partition that is being opened.</summary>
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A key's state, at the partition's present position.</summary>
    /// <exception cref="PartitionClosedException">The partition does not answer here.</exception>
    internal static async ValueTask<StateRead> ReadAsync(this PartitionRunner runner, string key, CancellationToken cancellationToken)
    {
        while (true)
        {
            var session = await runner.ReadableAsync(cancellationToken);
            int generation;
            lock (session.Fold.Gate)
            {
                if (session.Fold.TryRead(key, out var row))
                    return runner.Answer(row, session.Fold.NextOffset);
                generation = session.Generation;
            }

            var stored = await runner.Services.Store.LoadAsync(session.Fold.Id, [key], cancellationToken);
            var position = await runner.StoredPositionAsync(session, cancellationToken);
            lock (session.Fold.Gate)
            {
                if (runner.Readable != session)
                    continue;
                if (session.Fold.TryRead(key, out var row))
                    return runner.Answer(row, session.Fold.NextOffset);
                // What the store had is the state now, unless a checkpoint has come between.
                if (session.Generation != generation)
                    continue;
                runner.RequireNotBehind(position, session.Fold.NextOffset);
                return runner.Answer(stored.Count == 0 ? row : RowOf(stored[0]), session.Fold.NextOffset);
            }
        }
    }

    /// <summary>A key's state once an offset is folded; the state as it is when the time has run out, which its position says.</summary>
    /// <exception cref="PartitionClosedException">The partition does not answer here.</exception>
    internal static async ValueTask<StateRead> ReadAtLeastAsync(
        this PartitionRunner runner, string key, long atLeast, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var begin = runner.Services.Time.GetTimestamp();
        while (true)
        {
            var left = timeout - runner.Services.Time.GetElapsedTime(begin);
            var reached = atLeast < 0
                || await runner.WaitFoldedAsync(atLeast, left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken);
            var read = await runner.ReadAsync(key, cancellationToken);
            // The session that had folded it may have failed since, and the one that answers may begin before it.
            if (!reached || read.Offset >= atLeast)
                return read;
        }
    }

    /// <summary>States in key order: what the store has, under what it does not have yet.</summary>
    /// <exception cref="PartitionClosedException">The partition does not answer here.</exception>
    internal static async ValueTask<IReadOnlyList<StateRead>> ListAsync(
        this PartitionRunner runner, string prefix, string? after, int limit, CancellationToken cancellationToken)
    {
        while (true)
        {
            var session = await runner.ReadableAsync(cancellationToken);
            List<StateRow> unstored;
            int generation;
            long nextOffset;
            lock (session.Fold.Gate)
                (unstored, generation, nextOffset) = (session.Fold.Unstored(prefix, after), session.Generation, session.Fold.NextOffset);
            var asked = limit + unstored.Count(row => row.State is null);
            var stored = await runner.Services.Store.ScanAsync(session.Fold.Id, prefix, after, asked, cancellationToken);
            var position = await runner.StoredPositionAsync(session, cancellationToken);
            lock (session.Fold.Gate)
            {
                if (session.Generation != generation || runner.Readable != session)
                    continue;
                // The position is that of the states that are unstored: more may have been folded since.
                runner.RequireNotBehind(position, nextOffset);
                return [.. Merge(stored, unstored, stored.Count == asked).Take(limit).Select(row => runner.Answer(row, nextOffset))];
            }
        }
    }

    /// <summary>The position of the checkpoint, of any owner; to be read after the states, since it never falls.</summary>
    private static async ValueTask<long> StoredPositionAsync(
        this PartitionRunner runner, PartitionSession session, CancellationToken cancellationToken) =>
        (await runner.Services.Store.ReadCheckpointAsync(session.Fold.Id, cancellationToken))?.Position ?? 0;

    /// <summary>
    /// A state from the store is that of the session's position as long as the checkpoint is not beyond it. If it is, another owner has
    /// written it.
    /// </summary>
    /// <exception cref="PartitionClosedException">The store has later states than the session.</exception>
    private static void RequireNotBehind(this PartitionRunner runner, long storedPosition, long nextOffset)
    {
        if (storedPosition > nextOffset)
        {
            throw new PartitionClosedException(
                $"{runner.Dataset} partition {runner.Partition} is folded up to {nextOffset} here, but stored up to {storedPosition} by "
                + "another owner. Try again.");
        }
    }

    /// <summary>Does something with the partition's fold, under its gate.</summary>
    /// <exception cref="PartitionClosedException">The partition does not answer here.</exception>
    internal static async ValueTask<T> AskAsync<T>(
        this PartitionRunner runner, Func<PartitionFold, T> ask, CancellationToken cancellationToken)
    {
        var session = await runner.ReadableAsync(cancellationToken);
        lock (session.Fold.Gate)
            return ask(session.Fold);
    }

    /// <summary>Waits until an offset is folded. False when the time ran out.</summary>
    internal static ValueTask<bool> WaitFoldedAsync(
        this PartitionRunner runner, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        runner.WaitAsync(() => runner.Readable?.Fold.NextOffset > offset, timeout, cancellationToken);

    /// <summary>
    /// Waits until an offset is folded and its changes are durable in the views' input logs. False when the time ran out.
    /// </summary>
    internal static ValueTask<bool> WaitRoutedAsync(
        this PartitionRunner runner, long offset, TimeSpan timeout, CancellationToken cancellationToken) =>
        runner.WaitAsync(() => runner.Session?.Routed > offset, timeout, cancellationToken);

    /// <summary>The session that readers see; waits for it while the partition is being opened.</summary>
    /// <exception cref="PartitionClosedException">The partition does not answer here.</exception>
    internal static async ValueTask<PartitionSession> ReadableAsync(this PartitionRunner runner, CancellationToken cancellationToken)
    {
        if (runner.Readable is { } session)
            return session;
        if (runner.Status == RunnerStatus.Closed
            || !await runner.WaitAsync(() => runner.Readable is not null, OpenTimeout, cancellationToken))
            throw PartitionClosedException.Of(runner);
        return runner.Readable ?? throw PartitionClosedException.Of(runner);
    }

    private static async ValueTask<bool> WaitAsync(
        this PartitionRunner runner, Func<bool> reached, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (reached())
            return true;
        using var limit = new CancellationTokenSource(timeout, runner.Services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        while (true)
        {
            var next = runner.Advanced.Next;
            if (reached())
                return true;
            if (runner.Status == RunnerStatus.Closed)
                throw PartitionClosedException.Of(runner);
            if (either.IsCancellationRequested)
                break;
            // Not WaitAsync, which would go through the thread pool on its way back to the caller's scheduler.
            await next.ContinueWith(static _ => { }, either.Token, TaskContinuationOptions.None, TaskScheduler.Current)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return false;
    }

    /// <summary>What is unstored wins. Where the store has more than it gave, nothing after its last key may be given out yet.</summary>
    private static IEnumerable<StateRow> Merge(IReadOnlyList<StoredState> stored, List<StateRow> unstored, bool storeHasMore)
    {
        var rows = new SortedDictionary<string, StateRow>(KeyOrder.Instance);
        foreach (var state in stored)
            rows[state.Key] = RowOf(state);
        var last = storeHasMore ? stored[^1].Key : null;
        foreach (var row in unstored)
        {
            if (last is null || KeyOrder.Instance.Compare(row.Key, last) <= 0)
                rows[row.Key] = row;
        }

        return rows.Values.Where(row => row.State is not null);
    }

    private static StateRow RowOf(StoredState state) => new(state.Key, state.State.ToArray(), state.Offset, state.Timestamp);

    private static StateRead Answer(this PartitionRunner runner, StateRow row, long nextOffset) => new(
        row.Key, row.State, nextOffset - 1, row.Timestamp, runner.BehindRecords,
        runner.BehindSeconds) { Changed = row.Offset };
}
