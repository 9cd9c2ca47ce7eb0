namespace ActorStreams.Storage.Sqlite.Files;

/// <summary>
/// The writes that callers have requested, in the order of their calls. The writer takes all that is queued, up to a bound; the other
/// callers wait, each with no more in memory than its own write.
/// </summary>
/// <remarks>
/// The bound is on what the writer takes, not on the queue: the queue consists of callers that wait for their answer, so it is as long as
/// there are callers. A second queue in front of this one would bound nothing more.
/// </remarks>
internal sealed class WriteQueue<TWork>(Type owner, int maxRows, long maxBytes)
    where TWork : WriteWork
{
    private readonly object _gate = new();
    private readonly Queue<TWork> _line = new();
    private bool _closed;

    /// <exception cref="ObjectDisposedException">The queue is closed.</exception>
    public void Add(TWork work)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, owner);
            _line.Enqueue(work);
            if (_line.Count == 1)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Waits for work and takes what there is, up to the bound, but at least one. False when closed and empty.</summary>
    public bool Take(List<TWork> group)
    {
        lock (_gate)
        {
            do
            {
                while (_line.Count == 0 && !_closed)
                    Monitor.Wait(_gate);
                if (_line.Count == 0)
                    return false;
                Move(group, maxRows, maxBytes);
            }
            while (group.Count == 0);
            return true;
        }
    }

    /// <summary>Takes all there is, to refuse it.</summary>
    public void TakeAll(List<TWork> group)
    {
        lock (_gate)
            Move(group, int.MaxValue, long.MaxValue);
    }

    /// <summary>Takes no more work; what is queued can still be taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.Pulse(_gate);
        }
    }

    private void Move(List<TWork> group, long maxRowsNow, long maxBytesNow)
    {
        var (rows, bytes) = (0L, 0L);
        while (_line.TryPeek(out var next) && (group.Count == 0 || (rows + next.Rows <= maxRowsNow && bytes + next.Bytes <= maxBytesNow)))
        {
            _line.Dequeue();
            if (!next.TryTake())
                continue;
            group.Add(next);
            rows += next.Rows;
            bytes += next.Bytes;
        }
    }
}
