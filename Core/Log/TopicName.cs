namespace ActorStreams.Log;

/// <summary>What a topic may be called: what Kafka allows, in every log, so that a topic can move from one to the other.</summary>
public static class TopicName
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 249;

    /// <summary>Passes a name that is allowed.</summary>
    /// <exception cref="ArgumentException">The name is not allowed; the message says what is.</exception>
    public static void Check(string topic)
    {
        if (topic.Length is 0 or > MaxLength || topic is "." or ".."
            || !topic.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
        {
            throw new ArgumentException(
                $"'{topic}' cannot be a topic's name: it has 1 to {MaxLength} letters a-z and A-Z, digits, '.', '_' and '-', "
                + "and is not '.' or '..'.", nameof(topic));
        }
    }
}
