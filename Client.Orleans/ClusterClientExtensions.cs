using ActorStreams.Client.Calls;

namespace ActorStreams.Client.Cluster;

/// <summary>Makes clients that call the grains themselves.</summary>
public static class ClusterClientExtensions
{
    /// <summary>
    /// A client over the grains: for a trusted service that has joined the cluster as an Orleans client (an <c>IClusterClient</c>), or runs
    /// in a silo. The factory is the caller's, and is not disposed. If a silo is unreachable, reads are retried until
    /// <see cref="ActorStreamsClientOptions.RequestTimeoutSeconds"/> are over.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static ActorStreamsClient AsActorStreamsClient(this IGrainFactory cluster, ActorStreamsClientOptions? options = null) =>
        new(options, checkedOptions => new ClusterTransport(cluster, checkedOptions));
}
