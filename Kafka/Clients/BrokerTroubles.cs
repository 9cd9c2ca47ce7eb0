using ActorStreams.Log;
using Confluent.Kafka;

namespace ActorStreams.Kafka.Clients;

/// <summary>
/// Why connections failed lately. A call that waits for brokers reports only that time is up; the cause (a wrong password, an unknown
/// certificate) comes to the client's error handler.
/// </summary>
internal sealed class BrokerTroubles(Func<string, string> hide, TimeProvider time)
{
    private const int FreshSeconds = 60;

    private readonly Lock _gate = new();
    private Error? _last;
    private long _lastAt;

    /// <summary>Takes an error of a client. One of authentication or TLS is kept while it is fresh, whatever follows from it.</summary>
    public void Note(Error error)
    {
        if (!IsCause(error.Code) && error.Code != ErrorCode.Local_Transport)
            return;
        lock (_gate)
        {
            if (Fresh() is { } known && IsCause(known.Code) && !IsCause(error.Code))
                return;
            (_last, _lastAt) = (error, time.GetTimestamp());
        }
    }

    /// <summary>The brokers have answered.</summary>
    public void Passed()
    {
        if (Volatile.Read(ref _last) is null)
            return;
        lock (_gate)
            _last = null;
    }

    /// <summary>The error for something that cannot be done now, with its cause as far as it is known.</summary>
    public LogUnavailableException Unavailable(string what, Error error, Exception? inner = null)
    {
        Error? cause;
        lock (_gate)
            cause = error.IsLocalError && !IsCause(error.Code) ? Fresh() : null;
        var because = cause is null ? "" : $" The last connection failed: {Text(cause)}.";
        return new($"{what}: {Text(error)}.{because} {KafkaFaults.Remedy(cause ?? error)}", inner);
    }

    private static bool IsCause(ErrorCode code) =>
        code is ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed or ErrorCode.Local_Ssl or ErrorCode.Local_Resolve;

    private Error? Fresh() => _last is not null && time.GetElapsedTime(_lastAt).TotalSeconds < FreshSeconds ? _last : null;

    private string Text(Error error) => hide($"{error.Code}: {error.Reason.TrimEnd('.')}");
}
