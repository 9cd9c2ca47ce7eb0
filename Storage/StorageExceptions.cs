namespace ActorStreams.Storage;

/// <summary>A file written by a newer program in a format that this one does not know. Run the newer program.</summary>
public sealed class NewerFormatException(string message) : Exception(message);

/// <summary>
/// A file that does not hold what was written to it. Restore it from a backup, or rebuild it from the log where it is the state store.
/// </summary>
public sealed class DamagedFileException(string message, Exception? innerException = null) : Exception(message, innerException);
