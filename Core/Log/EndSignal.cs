namespace ActorStreams.Log;

/// <summary>The end of one partition, and the signal for the live readers that wait there, so that none polls.</summary>
internal sealed class EndSignal(long end)
{
    private readonly Lock _gate = new();
    private long _end = end;
    private TaskCompletionSource? _moved;
    private Exception? _closed;

    /// <summary>The offset the next record will get.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Waits until there is a record at this offset. Must not be called for an offset after the end.</summary>
    public Task WaitBeyondAsync(long offset, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_closed is not null)
                return Task.FromException(_closed);
            if (_end > offset)
                return Task.CompletedTask;

            // Readers must not run on the appender's thread: it has other callers to serve.
            _moved ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _moved.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Moves the end forward, once what lies before it can be read.</summary>
    public void MoveTo(long end)
    {
        TaskCompletionSource? moved;
        lock (_gate)
        {
            Volatile.Write(ref _end, end);
            (moved, _moved) = (_moved, null);
        }

        moved?.SetResult();
    }

    /// <summary>Ends every wait, those to come too, with this error.</summary>
    public void Close(Exception error)
    {
        TaskCompletionSource? moved;
        lock (_gate)
        {
            _closed ??= error;
            (moved, _moved) = (_moved, null);
        }

        moved?.SetException(error);
    }
}
