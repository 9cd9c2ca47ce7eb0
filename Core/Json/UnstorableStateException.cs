namespace ActorStreams.Json;

/// <summary>
/// A state has no stored form, or one that is too large. The state before it stays; what was to be folded is a dead letter.
/// </summary>
internal sealed class UnstorableStateException(string message, bool isTooLarge = false, Exception? innerException = null)
    : Exception(message, innerException)
{
    internal bool IsTooLarge { get; } = isTooLarge;
}
