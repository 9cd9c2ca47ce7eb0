using Microsoft.Extensions.Logging;

namespace ActorStreams.Partitions.Running;

/// <summary>A partition that has stopped, and the order of an operator to set aside the record before which it stands.</summary>
internal sealed partial class PartitionRunner
{
    private TaskCompletionSource<SetAsideCommand>? _standing;
    private SetAsideCommand? _command;

    /// <summary>Stands until an operator orders the record to be set aside. The next session then does that first.</summary>
    private async Task StandAsync(StopPlace place, CancellationToken life)
    {
        Task<SetAsideCommand> ordered;
        lock (_switching)
        {
            _standing = new(TaskCreationOptions.RunContinuationsAsynchronously);
            ordered = _standing.Task;
            Become(RunnerStatus.Stopped, place.Sentence(Input), place.PausedBy);
        }

        await ordered.WaitAsync(life);
        _stopPlace = null;
        _failures.TryOnce();
        Become(
            RunnerStatus.Waiting,
            $"{Input}:{place.Offset} is being set aside by order of an operator. It could not be folded, and {place.Why}", place.PausedBy);
    }

    /// <summary>
    /// Sets aside the record before which the partition has stopped, and lets it continue. Completes when a checkpoint with it is written;
    /// at once for a record that has been set aside and not folded since.
    /// </summary>
    /// <exception cref="NotStoppedThereException">The partition does not stand there, or stopped again before the checkpoint.</exception>
    /// <exception cref="PartitionClosedException">The partition has left before the checkpoint. Try again.</exception>
    internal Task SetAsideAsync(long offset)
    {
        lock (_switching)
        {
            if (_command is { } underWay && underWay.Order.Offset == offset)
                return underWay.Done;
            if (Status == RunnerStatus.Closed)
                throw PartitionClosedException.Of(this);
            if (IsSetAside(offset))
                return Task.CompletedTask;
            if (_command is not null || StoppedAt != offset || _standing is not { } standing)
                throw new NotStoppedThereException(NotStoppedAt(offset));
            if (BehindRecords == 0)
                throw new NotStoppedThereException($"{Input} has no record at or after offset {offset}.");
            var place = _stopPlace!;
            _command = new(new(offset, place.PausedBy == PauseReason.BadRecord ? null : $"The record cannot be folded: {place.Why}"));
            LogOrdered(_services.Logger, Dataset.Name, Input.Topic, Partition, offset);
            standing.TrySetResult(_command);
            return _command.Done;
        }
    }

    private bool IsSetAside(long offset)
    {
        if (_session?.Fold is not { } fold)
            return false;
        lock (fold.Gate)
            return offset < fold.StoredPosition && fold.OpenDeadLetters?.Contains(offset) == true;
    }

    private string NotStoppedAt(long offset) =>
        $"{Input}:{offset} is not where {Dataset} partition {Partition} stands: "
        + (StoppedAt is { } at ? $"it has stopped at {at}." : $"it is {Status.ToString().ToLowerInvariant()}, at {NextOffset}.");

    /// <summary>Ends the order under way, if there is one; without an error where a checkpoint with it is written.</summary>
    private void EndCommand(NotStoppedThereException? error)
    {
        lock (_switching)
        {
            if (_command is not { } command)
                return;
            _command = null;
            if (error is null)
                command.Written();
            else
                command.Failed(error);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "'{Dataset}' sets {Topic}/{Partition}:{Offset} aside by order of an operator, and continues.")]
    private static partial void LogOrdered(ILogger logger, string dataset, string topic, int partition, long offset);
}
