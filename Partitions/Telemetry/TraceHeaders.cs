using System.Diagnostics;
using System.Text;
using ActorStreams.Log;

namespace ActorStreams.Partitions.Telemetry;

/// <summary>
/// The trace that a record belongs to, in its headers, as W3C Trace Context has them: <c>traceparent</c>, and <c>tracestate</c> where there
/// is one. They are for traces alone: no fold depends on them, and they are no part of a frame.
/// </summary>
internal static class TraceHeaders
{
    private const string Parent = "traceparent";
    private const string State = "tracestate";

    /// <summary>Longer ones are dropped; the standard requires at least this length.</summary>
    private const int MaxStateLength = 512;

    /// <summary>Version, trace, span and flags; a version to come may have more.</summary>
    private const int MaxParentLength = 128;

    /// <summary>A larger record carries no context: the header could make it too large for the log.</summary>
    private const int MaxCarrierBytes = 256 << 10;

    /// <summary>
    /// The records with the context of a sampled span; otherwise as they are. Producers' own contexts stay, and so do records that are
    /// too large to carry one safely.
    /// </summary>
    internal static IReadOnlyList<NewRecord> Carrying(Activity? span, IReadOnlyList<NewRecord> records)
    {
        if (span is not { Recorded: true, IdFormat: ActivityIdFormat.W3C })
            return records;
        var carried = Of(span);
        var carrying = new NewRecord[records.Count];
        for (var i = 0; i < carrying.Length; i++)
        {
            var record = records[i];
            carrying[i] = record.Size > MaxCarrierBytes || Find(record.Headers, Parent) is not null ? record
                : record with { Headers = record.Headers.Count == 0 ? carried : [.. record.Headers, .. carried] };
        }

        return carrying;
    }

    /// <summary>The different sampled contexts of these records, in their order, up to a number.</summary>
    internal static IReadOnlyList<ActivityContext> Producers(IReadOnlyList<ChangeRecord> records, int max)
    {
        List<ActivityContext>? producers = null;
        ReadOnlyMemory<byte> last = default;
        for (var i = 0; i < records.Count && (producers?.Count ?? 0) < max; i++)
        {
            // Records of one append stand together, so that most are known by looking at the one before.
            if (Find(records[i].Headers, Parent) is not { Length: <= MaxParentLength } parent || parent.Span.SequenceEqual(last.Span))
                continue;
            last = parent;
            if (TryParse(parent, Find(records[i].Headers, State), out var context) && producers?.Contains(context) != true)
                (producers ??= []).Add(context);
        }

        return producers ?? (IReadOnlyList<ActivityContext>)[];
    }

    private static RecordHeader[] Of(Activity span)
    {
        var parent = new RecordHeader(Parent, Encoding.ASCII.GetBytes(span.Id!));
        return span.TraceStateString is { Length: > 0 and <= MaxStateLength } state
            ? [parent, new(State, Encoding.UTF8.GetBytes(state))]
            : [parent];
    }

    private static bool TryParse(ReadOnlyMemory<byte> parent, ReadOnlyMemory<byte>? state, out ActivityContext context) =>
        ActivityContext.TryParse(
            Encoding.ASCII.GetString(parent.Span), state is { Length: <= MaxStateLength } text ? Encoding.UTF8.GetString(text.Span) : null,
            isRemote: true, out context)
        && context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded);

    private static ReadOnlyMemory<byte>? Find(IReadOnlyList<RecordHeader> headers, string name)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers[i].Name == name)
                return headers[i].Value;
        }

        return null;
    }
}
