using System.Net;
using ActorStreams.Log;

namespace ActorStreams.Client.Calls;

/// <summary>Sends a chunk with an idempotency key until its outcome is known, or the time is over.</summary>
internal static class RepeatableAppend
{
    internal static async Task<IReadOnlyList<Position>> SendAsync(
        ITransport transport, ActorStreamsClientOptions options, string topic, AppendChunk chunk, string key,
        CancellationToken cancellationToken)
    {
        if (chunk.Records.Count == 0)
            return [];
        var started = options.TimeProvider.GetTimestamp();
        for (var failures = 0; ; failures++)
        {
            var wait = Backoff.After(failures, options);
            try
            {
                return await transport.AppendAsync(topic, chunk, key, cancellationToken).ConfigureAwait(false);
            }
            catch (ActorStreamsException e) when (IsTransient(e))
            {
                if ((options.TimeProvider.GetElapsedTime(started) + wait).TotalSeconds >= options.RequestTimeoutSeconds)
                    throw e is AppendOutcomeUnknownException unknown ? unknown.Repeatable() : e;
                await Task.Delay(wait, options.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsTransient(ActorStreamsException e) =>
        e is SiloUnreachableException or ConnectionLostException or AppendOutcomeUnknownException
        || e.Status is HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout;
}
