using ActorStreams.Log;

namespace ActorStreams.Client.Calls;

/// <summary>A read request.</summary>
public sealed record ReadOptions
{
    /// <summary>
    /// Wait until the state includes this record of a source topic. Give it a position that an append answered to read your own
    /// write, through any number of views.
    /// </summary>
    public Position? AtLeast { get; init; }

    /// <summary>How long to wait for <see cref="AtLeast"/>, in seconds; null leaves it to the silo.</summary>
    public double? TimeoutSeconds { get; init; }
}
