using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Partitions.Running;

/// <summary>Why a partition does not fold, in one word, for metrics: a sentence could contain a key or a value.</summary>
internal static class PauseReasons
{
    private const string BadRecord = "bad_record";
    private const string Log = "log_unavailable";
    private const string States = "states_unavailable";
    private const string Lost = "records_lost";
    internal const string Failure = "failure";

    internal static IReadOnlyList<string> All { get; } = [BadRecord, Log, States, Lost, Failure];

    internal static string Of(Exception error) => error switch
    {
        BadRecordException => BadRecord,
        LogUnavailableException => Log,
        StoreUnavailableException => States,
        OffsetOutOfRangeException => Lost,
        _ => Failure,
    };
}
