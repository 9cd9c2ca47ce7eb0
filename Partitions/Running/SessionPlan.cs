using ActorStreams.Folding;

namespace ActorStreams.Partitions.Running;

/// <summary>What a session is to do beside folding from its checkpoint on.</summary>
/// <param name="StopBefore">The record before which it ends; null for none.</param>
/// <param name="ResumeAt">The first record that is still kept, where those before it are lost and folding goes on without them.</param>
/// <param name="CarefulUpTo">
/// The offset up to which records are folded and stored one by one, after a failure that may come again: so the failing record is known.
/// </param>
/// <param name="Order">The record that is to be set aside by order of an operator; null for none.</param>
internal readonly record struct SessionPlan(long? StopBefore, long ResumeAt, long CarefulUpTo, DeadLetters.SetAsideOrder? Order);

/// <summary>What a session reports while it runs.</summary>
/// <param name="Publish">Receives what each batch gave, under the fold's gate.</param>
/// <param name="Settled">Called after each checkpoint, and when there is nothing left to fold or store.</param>
/// <param name="Advanced">Pulses whenever more is folded or routed.</param>
internal sealed record SessionEvents(Action<FoldOutput> Publish, Action<PartitionSession> Settled, Signal Advanced);

/// <summary>Another owner has moved the checkpoint: this one stops without a trace.</summary>
internal sealed class OwnerLostException(States.PartitionId partition)
    : Exception($"{partition} has another owner, which moved its checkpoint. This one stops.");

/// <summary>The dataset stops at bad records, and this is one.</summary>
internal sealed class BadRecordException(long offset, DeadLetters.DeadLetter record) : Exception(record.Reason)
{
    internal long Offset { get; } = offset;

    /// <summary>The kind of fault: for counting, where a reason would say too much.</summary>
    internal DeadLetters.FaultKind Kind { get; } = record.Kind;
}
