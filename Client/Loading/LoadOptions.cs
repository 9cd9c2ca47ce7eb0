namespace ActorStreams.Client.Loading;

/// <summary>How an <see cref="ExactLoader"/> behaves.</summary>
public sealed record LoadOptions
{
    /// <summary>How long a load waits for an unreachable silo, without any record landing, in seconds. Default 60.</summary>
    public double WaitSeconds { get; init; } = 60;

    /// <summary>
    /// Skip the records that an earlier, broken-off load of the same source appended. They are read and compared, so a topic that
    /// holds anything else is refused.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>
    /// For how long the end of the topic must stand still, in milliseconds, before a request whose connection broke is taken to be
    /// over: the silo may still be appending it. Default 1,000.
    /// </summary>
    public double SettleMilliseconds { get; init; } = 1_000;
}
