namespace ActorStreams.Storage.Sqlite.Files;

/// <summary>One caller's wish to write, and the task it waits on.</summary>
/// <remarks>
/// <code>
/// Queued ──► Taken ──► (done: the task has the outcome)
///    └─────► Withdrawn (cancelled before the writer took it: certainly not written)
/// </code>
/// </remarks>
internal abstract class WriteWork
{
    private int _stage = (int)Stage.Queued;
    private CancellationTokenRegistration _cancellation;

    private enum Stage
    {
        Queued,
        Taken,
        Withdrawn,
    }

    /// <summary>What it counts for in the bound on rows a commit.</summary>
    public abstract int Rows { get; }

    /// <summary>What it counts for in the bound on bytes a commit.</summary>
    public abstract long Bytes { get; }

    /// <summary>Completes the work as written, unless it has failed already.</summary>
    public abstract void Succeed();

    /// <summary>Tells the caller that it is not.</summary>
    public abstract void Fail(Exception error);

    /// <summary>The writer takes it, unless the caller withdrew it.</summary>
    public bool TryTake()
    {
        if (!TryMove(Stage.Taken))
            return false;
        _cancellation.Unregister();
        return true;
    }

    /// <summary>Lets the caller withdraw it for as long as the writer has not taken it.</summary>
    public void WithdrawOn(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
            _cancellation = cancellationToken.UnsafeRegister(static (work, token) => ((WriteWork)work!).Withdraw(token), this);
    }

    private void Withdraw(CancellationToken cancellationToken)
    {
        if (TryMove(Stage.Withdrawn))
            Fail(new OperationCanceledException(cancellationToken));
    }

    private bool TryMove(Stage to) => Interlocked.CompareExchange(ref _stage, (int)to, (int)Stage.Queued) == (int)Stage.Queued;
}

/// <summary>Work that has an answer.</summary>
internal abstract class WriteWork<T> : WriteWork
{
    // The writer thread completes this; the callers' code must not run there, since every other caller waits for that thread.
    private readonly TaskCompletionSource<T> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The answer, once written.</summary>
    public T? Answer { get; set; }

    public Task<T> Task => _answered.Task;

    public override void Succeed() => _answered.TrySetResult(Answer!);

    public override void Fail(Exception error)
    {
        if (error is OperationCanceledException cancelled)
            _answered.TrySetCanceled(cancelled.CancellationToken);
        else
            _answered.TrySetException(error);
    }
}
