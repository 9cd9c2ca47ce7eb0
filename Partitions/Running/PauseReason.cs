using System.Text.Json;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Partitions.Running;

/// <summary>Why a partition does not fold, for metrics: a sentence could contain a key or a value.</summary>
internal enum PauseReason
{
    /// <summary>It stands before a record that cannot be folded.</summary>
    BadRecord,

    /// <summary>The change log is unreachable.</summary>
    LogUnavailable,

    /// <summary>The state store is unreachable.</summary>
    StatesUnavailable,

    /// <summary>The log no longer keeps the next record.</summary>
    RecordsLost,

    /// <summary>The log is not the one that the states were folded from.</summary>
    LogChanged,

    /// <summary>Anything else.</summary>
    Failure,
}

/// <summary>The reasons of pauses, by the exceptions that cause them and by the words of metrics.</summary>
internal static class PauseReasons
{
    internal static PauseReason Of(Exception error) => error switch
    {
        BadRecordException => PauseReason.BadRecord,
        LogUnavailableException or UnknownTopicException => PauseReason.LogUnavailable,
        StoreUnavailableException => PauseReason.StatesUnavailable,
        OffsetOutOfRangeException { IsAfterEnd: true } or LogChangedException => PauseReason.LogChanged,
        OffsetOutOfRangeException => PauseReason.RecordsLost,
        _ => PauseReason.Failure,
    };

    /// <summary>The word for a reason, as in <c>log_unavailable</c>.</summary>
    internal static string Word(this PauseReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());
}
