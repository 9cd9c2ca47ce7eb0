namespace ActorStreams.Grains.Partitions;

/// <summary>Wakes all who wait for "something has moved on". A waiter takes the task first, then looks, then waits: so nothing is missed.</summary>
internal sealed class Signal
{
    private volatile TaskCompletionSource _next = New();

    /// <summary>Completes at the next <see cref="Pulse"/>.</summary>
    internal Task Next => _next.Task;

    internal void Pulse() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
