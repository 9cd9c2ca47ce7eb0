using System.Diagnostics;
using ActorStreams.Log;

namespace ActorStreams.Partitions.Telemetry;

/// <summary>Appends whose records carry the trace they belong to. If nothing listens, they are plain appends.</summary>
internal static class TracedAppends
{
    /// <summary>Appends what a client sent, in a span of the request under way.</summary>
    internal static ValueTask<IReadOnlyList<Position>> AppendTracedAsync(
        this IChangeLog log, string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken) =>
        StreamsTraces.HasListeners
            ? AppendAsync(log.AppendAsync, log, topic, records, [], cancellationToken)
            : log.AppendAsync(topic, records, cancellationToken);

    /// <summary>Appends what batches made, in a span of theirs where any was sampled.</summary>
    internal static async Task AppendTracedAsync(
        this IChangeLog log, string topic, IReadOnlyList<NewRecord> records, IReadOnlyList<ActivityContext> batches) =>
        await (batches.Count > 0
            ? AppendAsync(log.AppendOwnAsync, log, topic, records, batches, CancellationToken.None)
            : log.AppendOwnAsync(topic, records));

    private static async ValueTask<IReadOnlyList<Position>> AppendAsync(
        Func<string, IReadOnlyList<NewRecord>, CancellationToken, ValueTask<IReadOnlyList<Position>>> append,
        IChangeLog log,
        string topic,
        IReadOnlyList<NewRecord> records,
        IReadOnlyList<ActivityContext> causes,
        CancellationToken cancellationToken)
    {
        using var span = StreamsTraces.Send(log.MessagingSystem, topic, records.Count, causes);
        try
        {
            return await append(topic, TraceHeaders.Carrying(span, records), cancellationToken);
        }
        catch (Exception error)
        {
            span.Failed(error);
            throw;
        }
    }
}
