namespace ActorStreams.Client.Calls;

/// <summary>The waits between attempts.</summary>
internal static class Backoff
{
    /// <summary>
    /// Twice as long after each failure. Half of it is random, so that the clients of a dead silo do not reconnect all at once.
    /// </summary>
    internal static TimeSpan After(int failures, ActorStreamsClientOptions options)
    {
        var most = Math.Min(options.ReconnectMaxMilliseconds, options.ReconnectMinMilliseconds * Math.Pow(2, Math.Min(failures, 30)));
        return TimeSpan.FromMilliseconds(most * (0.5 + (Random.Shared.NextDouble() / 2)));
    }
}
