using System.Net;
using ActorStreams.Client.Calls;
using ActorStreams.Grains;
using Orleans.Runtime;

namespace ActorStreams.Client.Cluster;

/// <summary>Calls grains, and turns every way that fails into an exception of ours that says what the caller can do.</summary>
internal sealed class ClusterCalls(ActorStreamsClientOptions options)
{
    internal const string Place = "the cluster";

    /// <summary>
    /// A call that may be retried: if a silo or partition is unreachable it is, until
    /// <see cref="ActorStreamsClientOptions.RequestTimeoutSeconds"/> are over.
    /// </summary>
    internal async Task<T> AskAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        var started = options.TimeProvider.GetTimestamp();
        for (var failures = 0; ; failures++)
        {
            var wait = Backoff.After(failures, options);
            try
            {
                return await OnceAsync(call, cancellationToken).ConfigureAwait(false);
            }
            catch (ActorStreamsException e)
                when (IsTransient(e) && (options.TimeProvider.GetElapsedTime(started) + wait).TotalSeconds < options.RequestTimeoutSeconds)
            {
                await Task.Delay(wait, options.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>A call that must not be made twice.</summary>
    internal static async Task<T> OnceAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (Translate(e) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Whether the same may succeed later.</summary>
    internal static bool IsTransient(ActorStreamsException e) =>
        e is ConnectionLostException || e.Status is HttpStatusCode.ServiceUnavailable;

    /// <summary>The exception of ours for a failed call; null for all others, which pass.</summary>
    internal static ActorStreamsException? Translate(Exception failure) => failure switch
    {
        RequestRefusedException refused =>
            new ActorStreamsException(refused.Message, (HttpStatusCode)refused.Status, refused.Title, refused),
        WatchPositionException =>
            new ActorStreamsException(failure.Message, HttpStatusCode.BadRequest, "The position does not exist", failure),
        PartitionUnavailableException or WatchBrokenException =>
            new ActorStreamsException(failure.Message, HttpStatusCode.ServiceUnavailable, "The partition is unavailable", failure),
        // What Orleans says of silos that are away, restart, or do not answer in time; and a client that is not connected.
        OrleansException or TimeoutException or IOException =>
            new ConnectionLostException(Place, failure.Message.EndsWith('.') ? failure.Message : failure.Message + ".", failure),
        ActorStreamsException or OperationCanceledException => null,
        _ => new ActorStreamsException(
            $"The silo failed: {failure.Message} Its log says why.", HttpStatusCode.InternalServerError, "The silo failed", failure),
    };
}
