using ActorStreams.DeadLetters;

namespace ActorStreams.Partitions.Running;

/// <summary>
/// An operator's order to set a record aside, from its acceptance until a checkpoint with it is written or the partition stops again. It is
/// in memory alone: a silo that ends before the checkpoint leaves the partition where it stood, and the operator repeats the order.
/// </summary>
internal sealed class SetAsideCommand(SetAsideOrder order)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal SetAsideOrder Order { get; } = order;

    /// <summary>Completes when the record is set aside and a checkpoint with it is written; fails when that does not happen here.</summary>
    internal Task Done => _done.Task;

    internal void Written() => _done.TrySetResult();

    internal void Failed(Exception error)
    {
        _done.TrySetException(error);
        // The caller may have gone.
        _ = _done.Task.Exception;
    }
}

/// <summary>The partition does not stand at the record that is to be set aside. See where it stands, and decide again.</summary>
internal sealed class NotStoppedThereException(string message) : Exception(message);
