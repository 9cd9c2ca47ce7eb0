using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;

namespace ActorStreams.Partitions.Watching;

/// <summary>
/// The changes of keys that are no longer in memory, folded again from their records. One pass over the partition's log serves all readers
/// that wait when it begins; a later one waits for the next pass. A reader whose buffer stays full is detached from the pass, and takes
/// part in another once it has drained. How many passes run at once in the process is bounded.
/// </summary>
internal sealed class KeyHistory(
    IChangeLog log, Dataset dataset, int partition, Func<LogIdentity?> folded, SemaphoreSlim passes, TimeProvider time,
    TaskScheduler scheduler)
{
    /// <summary>Readers of one pass.</summary>
    private const int MaxReaders = 1_000;

    /// <summary>Changes that wait for one reader.</summary>
    private const int ReaderBuffer = 256;

    /// <summary>Waits for a full reader that a pass makes without success; every further full reader is detached at once.</summary>
    private const int MaxVainWaits = 4;

    /// <summary>The longest that a pass waits for a full reader.</summary>
    private static readonly TimeSpan MaxReaderWait = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly Queue<Request> _waiting = [];
    private bool _running;

    /// <summary>The changes of a key after a position, up to and without an offset.</summary>
    /// <exception cref="UnknownPositionException">The log no longer keeps the records they would be folded from.</exception>
    internal async IAsyncEnumerable<WatchedChange> ReadAsync(
        string key, ChangePosition since, long toOffset, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var start = (await log.OffsetsAsync(dataset.Topic, cancellationToken))[partition].Start;
        if (start > 0)
            throw NoLongerKept(key, since, start);

        Request? request = new(key, since, toOffset, cancellationToken);
        do
        {
            Enqueue(request);
            while (await MayReadAsync(request, cancellationToken))
            {
                while (request.Changes.Reader.TryRead(out var change))
                    yield return change;
            }

            request = request.Rest;
        }
        while (request is not null);
    }

    /// <summary>The log may remove the records while a pass reads them.</summary>
    private async ValueTask<bool> MayReadAsync(Request request, CancellationToken cancellationToken)
    {
        try
        {
            return await request.Changes.Reader.WaitToReadAsync(cancellationToken);
        }
        catch (OffsetOutOfRangeException error)
        {
            throw NoLongerKept(request.Key, request.Since, error.Range.Start);
        }
    }

    private UnknownPositionException NoLongerKept(string key, ChangePosition since, long start) => new(
        $"The changes of '{key}' after {dataset.Topic}/{partition}:{since.Offset} are no longer in memory, and the log no longer keeps "
        + $"the records before {start} that they would be folded from. Watch again from the present state.");

    private void Enqueue(Request request)
    {
        lock (_gate)
        {
            _waiting.Enqueue(request);
            if (_running)
                return;
            _running = true;
        }

        _ = Task.Factory.StartNew(RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();
    }

    /// <summary>Runs passes until no reader waits. It never fails: a failure is passed to the readers of the pass.</summary>
    private async Task RunAsync()
    {
        while (true)
        {
            await passes.WaitAsync();
            var requests = Take();
            try
            {
                if (requests.Count == 0)
                    return;
                await PassAsync(requests);
                requests.ForEach(request => request.Changes.Writer.TryComplete());
            }
            catch (Exception error)
            {
                requests.ForEach(request => request.Changes.Writer.TryComplete(error));
            }
            finally
            {
                passes.Release();
            }
        }
    }

    private List<Request> Take()
    {
        lock (_gate)
        {
            List<Request> requests = [];
            while (requests.Count < MaxReaders && _waiting.TryDequeue(out var request))
                requests.Add(request);
            _running = requests.Count > 0;
            return requests;
        }
    }

    private async Task PassAsync(List<Request> requests)
    {
        var fold = dataset.CreateFold(partition, FoldOptions.InMemory);
        var readers = requests.ToLookup(request => request.Key);
        fold.OnlyKeys = new(readers.Select(key => key.Key));
        fold.WatchedKeys.UnionWith(readers.Select(key => key.Key));
        var (to, vainWaits) = (requests.Max(request => request.ToOffset), 0);
        var batches = log.ReadRangeAsync(new(dataset.Topic, partition), 0, to, ReadLimits.Default, CancellationToken.None);
        await foreach (var batch in batches)
        {
            if (requests.TrueForAll(request => request.HasEnded))
                return;
            RequireFolded(batch);
            var output = await fold.FoldAsync(batch, store: null);
            foreach (var change in output.Watched)
            {
                foreach (var request in readers[change.Key].Where(request => request.Wants(change)))
                {
                    if (request.Changes.Writer.TryWrite(change))
                        continue;
                    if (vainWaits < MaxVainWaits && await DrainsAsync(request) && request.Changes.Writer.TryWrite(change))
                        continue;
                    vainWaits++;
                    request.DetachBefore(change);
                }
            }
        }
    }

    /// <summary>The history of the states is that of the log that they were folded from.</summary>
    private void RequireFolded(RecordBatch batch)
    {
        try
        {
            folded()?.RequireTopic(batch.Partition, batch.NextOffset, batch.Log?.Topic);
        }
        catch (LogChangedException error)
        {
            throw new UnknownPositionException($"{error.Message} Watch again from the present state.");
        }
    }

    /// <summary>Waits a little for a reader that is full. False when it does not drain.</summary>
    private async ValueTask<bool> DrainsAsync(Request request)
    {
        using var limit = new CancellationTokenSource(MaxReaderWait, time);
        try
        {
            return await request.Changes.Writer.WaitToWriteAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>A reader, and the changes it waits for: those after a position, up to and without an offset.</summary>
    private sealed record Request(string Key, ChangePosition Since, long ToOffset, CancellationToken CancellationToken)
    {
        internal Channel<WatchedChange> Changes { get; } =
            Channel.CreateBounded<WatchedChange>(new BoundedChannelOptions(ReaderBuffer) { SingleReader = true, SingleWriter = true });

        /// <summary>What the reader is to be given by another pass, once it has drained; null when this one gave it all.</summary>
        internal Request? Rest { get; private set; }

        /// <summary>True when the pass has nothing more to give it.</summary>
        internal bool HasEnded => Rest is not null || CancellationToken.IsCancellationRequested;

        internal bool Wants(WatchedChange change) => !HasEnded && change.Position > Since && change.Position.Offset < ToOffset;

        internal void DetachBefore(WatchedChange change)
        {
            Rest = new(Key, Last(change.Position), ToOffset, CancellationToken);
            Changes.Writer.TryComplete();
        }

        /// <summary>The position just before a change.</summary>
        private static ChangePosition Last(ChangePosition position) => position.Index == 0
            ? ChangePosition.Before(position.Partition, position.Offset) : position with { Index = position.Index - 1 };
    }
}
