namespace ActorStreams.States;

/// <summary>
/// Something that exactness leans on (semantics §5) does not hold: a fault of this program, or of the log or store behind it. What is in
/// memory is worthless; the partition starts again from its checkpoint.
/// </summary>
internal sealed class BrokenInvariantException(string message) : Exception(message);
