using System.Net;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Calls;

/// <summary>
/// The silo refused a request or is unreachable. The message is meant to be shown, and names the remedy if one is known.
/// </summary>
public class ActorStreamsException(string message, HttpStatusCode? status = null, string? title = null, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The HTTP status; null when there was no answer.</summary>
    public HttpStatusCode? Status { get; } = status;

    /// <summary>The problem's title; null when the answer had none.</summary>
    public string? Title { get; } = title;
}

/// <summary>No silo answers at the address. Start one, or correct the address; nothing was done.</summary>
public sealed class SiloUnreachableException(Uri url, string reason, Exception? innerException = null) : ActorStreamsException(
    $"No silo answers at {url.GetLeftPart(UriPartial.Authority)} ({reason}). Start one with 'dotnet run -c Release --project Silo', "
    + "or name another with --url or ACTORSTREAMS_URL.",
    innerException: innerException);

/// <summary>The connection to a silo or cluster broke, or it took too long to answer. Try again.</summary>
public sealed class ConnectionLostException(string place, string reason, Exception? innerException = null) : ActorStreamsException(
    $"The connection to {place} was lost: {reason} Try again.",
    innerException: innerException);

/// <summary>
/// An append was sent and its outcome is unknown: of each key's records any number, from the first on, may have been appended.
/// Sending them again may append them twice, unless they were sent with an idempotency key. Read the topic's end to find out, or load with
/// <c>ExactLoader</c>, which does.
/// </summary>
public sealed class AppendOutcomeUnknownException : ActorStreamsException
{
    private readonly (string Topic, int Records, string Reason) _append;

    /// <summary>The outcome of an append without an idempotency key.</summary>
    public AppendOutcomeUnknownException(
        string topic, int records, string reason, HttpStatusCode? status, Exception? innerException)
        : this((topic, records, reason), "Read the end of the topic before sending again.", status, innerException)
    {
    }

    private AppendOutcomeUnknownException(
        (string Topic, int Records, string Reason) append, string remedy, HttpStatusCode? status, Exception? innerException)
        : base(
            $"It is unknown whether topic '{append.Topic}' has the "
            + $"{(append.Records == 1 ? "record" : $"{append.Records:N0} records")} sent to it: {append.Reason} {remedy}",
            status,
            innerException: innerException) => _append = append;

    /// <summary>The same for an append that was sent with an idempotency key.</summary>
    internal AppendOutcomeUnknownException Repeatable() =>
        new(_append, "Send them again with the same idempotency key.", Status, InnerException);
}
