namespace ActorStreams.Partitions.Running;

/// <summary>
/// Wakes every waiter for progress. A waiter takes <see cref="Next"/> first, then checks its condition, then awaits: no pulse is missed.
/// </summary>
internal sealed class Signal
{
    private volatile TaskCompletionSource _next = New();

    /// <summary>Completes at the next <see cref="Pulse"/>.</summary>
    internal Task Next => _next.Task;

    internal void Pulse() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
