using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ActorStreams.Definitions;
using ActorStreams.Folding;
using ActorStreams.Log;

namespace ActorStreams.Partitions.Watching;

/// <summary>
/// The changes of keys that are no longer in memory, folded again from their records. One pass over the partition's log serves all who wait
/// when it begins; who comes later waits for the next pass. How many passes run at once in the process is bounded.
/// </summary>
internal sealed class KeyHistory(IChangeLog log, Dataset dataset, int partition, SemaphoreSlim passes, TimeProvider time, TaskScheduler scheduler)
{
    /// <summary>Readers of one pass.</summary>
    private const int MaxReaders = 1_000;

    /// <summary>Changes that wait for one reader.</summary>
    private const int ReaderBuffer = 256;

    /// <summary>The longest that a pass waits for one reader; the reader's watch then ends, and can be resumed.</summary>
    private static readonly TimeSpan MaxReaderWait = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Queue<Request> _waiting = [];
    private bool _running;

    /// <summary>The changes of a key after a position, up to and without an offset.</summary>
    /// <exception cref="UnknownPositionException">The log no longer keeps the records they would be folded from.</exception>
    /// <exception cref="WatchEndedException">The reader was too slow.</exception>
    internal async IAsyncEnumerable<WatchedChange> ReadAsync(
        string key, ChangePosition since, long toOffset, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var start = (await log.OffsetsAsync(dataset.Topic, cancellationToken))[partition].Start;
        if (start > 0)
        {
            throw new UnknownPositionException(
                $"The changes of '{key}' after {dataset.Topic}/{partition}:{since.Offset} are no longer in memory, and the log no longer keeps "
                + $"the records before {start} that they would be folded from. Watch again from the present state.");
        }

        var request = new Request(key, since, toOffset, cancellationToken);
        Enqueue(request);
        while (await request.Changes.Reader.WaitToReadAsync(cancellationToken))
        {
            while (request.Changes.Reader.TryRead(out var change))
                yield return change;
        }
    }

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

    /// <summary>Runs passes until nobody waits. It never fails: what fails is given to the readers of the pass.</summary>
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
        var to = requests.Max(request => request.ToOffset);
        var batches = log.ReadRangeAsync(new(dataset.Topic, partition), 0, to, ReadLimits.Default, CancellationToken.None);
        await foreach (var batch in batches)
        {
            if (requests.TrueForAll(request => request.HasEnded))
                return;
            var output = await fold.FoldAsync(batch, store: null);
            foreach (var change in output.Watched)
            {
                foreach (var request in readers[change.Key])
                    await GiveAsync(request, change);
            }
        }
    }

    private async ValueTask GiveAsync(Request request, WatchedChange change)
    {
        if (change.Position <= request.Since || change.Position.Offset >= request.ToOffset || request.HasEnded || request.Changes.Writer.TryWrite(change))
            return;
        var room = request.Changes.Writer.WaitToWriteAsync(request.CancellationToken).AsTask();
        var wait = Task.Delay(MaxReaderWait, time, request.CancellationToken);
        if (await Task.WhenAny(room, wait) != room || !request.Changes.Writer.TryWrite(change))
            request.Changes.Writer.TryComplete(new WatchEndedException("The watcher reads its history too slowly. Resume from the last position."));
    }

    /// <summary>A reader, and what it waits for.</summary>
    private sealed record Request(string Key, ChangePosition Since, long ToOffset, CancellationToken CancellationToken)
    {
        internal Channel<WatchedChange> Changes { get; } =
            Channel.CreateBounded<WatchedChange>(new BoundedChannelOptions(ReaderBuffer) { SingleReader = true, SingleWriter = true });

        /// <summary>True when nobody reads any more.</summary>
        internal bool HasEnded => CancellationToken.IsCancellationRequested || Changes.Reader.Completion.IsCompleted;
    }
}
