namespace ActorStreams.Testing;

/// <summary>A definition gave something else than expected; the message has both as JSON.</summary>
public class TestKitException(string message) : Exception(message);
