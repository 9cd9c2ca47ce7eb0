using ActorStreams.States;

namespace ActorStreams.Folding;

/// <summary>
/// Another owner of this partition has moved its checkpoint. This one must stop without a trace: what it has in
/// memory is older than what it reads.
/// </summary>
internal sealed class StaleOwnerException(PartitionId partition, long own, long found) : Exception(
    string.Create(
        CultureInfo.InvariantCulture, $"{partition} has checkpoint {found}, but this owner's is {own}: another owner exists. ")
    + "Drop this one; a new one begins at the checkpoint.");
