namespace ActorStreams.DeadLetters;

/// <summary>
/// An operator's order to a partition that has stopped: set aside the record before which it stands, and continue. It is no part of the
/// log: a rebuild or a batch stops at the record again.
/// </summary>
/// <param name="Offset">Where the partition stands. The first record from there on is meant, since offsets may have gaps.</param>
/// <param name="Failure">
/// What failed, where it was not the fold: then nothing of the record is folded. Null where the dataset stops at what it cannot fold: then
/// that is set aside, and nothing else of the record.
/// </param>
internal sealed record SetAsideOrder(long Offset, string? Failure);
