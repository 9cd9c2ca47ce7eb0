using System.Net.Http.Headers;
using System.Net;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Http;

/// <summary>Sends one chunk once, with three outcomes: appended, certainly not appended, unknown.</summary>
internal sealed class AppendCall(HttpCalls calls)
{
    private static readonly MediaTypeHeaderValue Ndjson = new("application/x-ndjson");

    /// <summary>Appends a chunk, and answers the position of each of its records.</summary>
    /// <exception cref="SiloUnreachableException">No connection could be made: nothing was sent.</exception>
    /// <exception cref="AppendRefusedException">A record is bad.</exception>
    /// <exception cref="AppendOutcomeUnknownException">The request was sent, and no whole answer came.</exception>
    public async Task<IReadOnlyList<Position>> SendAsync(
        string topic, AppendChunk chunk, string? idempotencyKey, CancellationToken cancellationToken)
    {
        (string, string)? header = idempotencyKey is null ? null : (IdempotencyKeys.Header, IdempotencyKeys.Write(idempotencyKey));
        using var content = new ReadOnlyMemoryContent(chunk.Body) { Headers = { ContentType = Ndjson } };
        try
        {
            // The whole answer is read at once, so that the request's time-out holds for all of it.
            using var response = await calls.SendAsync(
                HttpMethod.Post, Paths.Records(topic), content, HttpCompletionOption.ResponseContentRead,
                cancellationToken, header).ConfigureAwait(false);
            using var lines = new JsonLines(calls, Paths.Records(topic), response);
            return await ReadAsync(topic, chunk.Records.Count, lines, cancellationToken).ConfigureAwait(false);
        }
        catch (ActorStreamsException e) when (e is ConnectionLostException || e.Status >= HttpStatusCode.InternalServerError)
        {
            // A log that says "unavailable" may have taken some partitions' records before, so a 503 is no certainty either.
            throw new AppendOutcomeUnknownException(topic, chunk.Records.Count, e.Message, e.Status, e);
        }
    }

    private static async Task<IReadOnlyList<Position>> ReadAsync(
        string topic, int records, JsonLines lines, CancellationToken cancellationToken)
    {
        var positions = new List<Position>(records);
        while (await lines.NextAsync<AppendAnswer>(cancellationToken).ConfigureAwait(false) is { } answer)
        {
            if (answer.Error is { } error)
                throw Refused(topic, answer.Line ?? positions.Count + 1, error, records);
            positions.Add(new(answer.Topic ?? topic, answer.Partition ?? 0, answer.Offset ?? 0));
        }

        return positions.Count == records ? positions : throw new AppendOutcomeUnknownException(
            topic, records, $"the silo answered for {positions.Count:N0} of them.", null, null);
    }

    private static AppendRefusedException Refused(string topic, int line, string error, int records) => new(
        $"Record {line:N0} of {records:N0} was not appended to topic '{topic}': {error} Others of them may have been.", line, error, null,
        null);
}
