namespace ActorStreams.Client;

/// <summary>How far a state is behind the log it is folded from.</summary>
/// <param name="Records">The gap: records not yet folded.</param>
/// <param name="Seconds">The lag: the age of the oldest of them, in seconds.</param>
public sealed record Behind(long Records, double Seconds);
