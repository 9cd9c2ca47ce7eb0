using ActorStreams.Definitions;
using ActorStreams.Grains.Setup;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;

namespace ActorStreams.Grains.Appends;

/// <summary>
/// The one way in, for HTTP, entity grains, clients of the cluster and redrives alike: which topics may be appended to, what a record may
/// hold, the span that goes with it, and the refusal.
/// </summary>
public sealed class RecordAppends
{
    private readonly Topology _topology;
    private readonly ServedTopics _served;
    private readonly IChangeLog _log;
    private readonly RecordLimits _limits;
    private readonly TimeProvider _time;

    internal RecordAppends(Topology topology, ServedTopics served, IChangeLog log, RecordLimits limits, TimeProvider time) =>
        (_topology, _served, _log, _limits, _time) = (topology, served, log, limits, time);

    /// <summary>The longest line that is parsed; a record in it may have <see cref="RecordLimits.MaxRecordBytes"/>.</summary>
    public int MaxLineBytes => _limits.MaxRecordBytes + RecordLimits.LineOverhead;

    /// <summary>The sentence for a line that is longer than <see cref="MaxLineBytes"/>.</summary>
    public string LineFault =>
        $"The line is longer than {MaxLineBytes} bytes; a record may have {_limits.MaxRecordBytes} (Silo:MaxRecordBytes). "
        + "Split it, or keep the large part elsewhere.";

    /// <summary>A topic that may be appended to.</summary>
    /// <exception cref="RequestRefusedException">There is no such topic, or the system alone writes it.</exception>
    public async ValueTask<AppendTopic> TopicAsync(string topic, CancellationToken cancellationToken)
    {
        _served.Check(topic);
        var description = await _log.DescribeAsync(topic, cancellationToken);
        var sources = string.Join(", ", _topology.SourceTopics);
        if (description is null)
            throw new RequestRefusedException(404, "No such topic", $"There is no topic '{topic}'. The source topics are: {sources}.");
        if (_topology.IsWrittenByUs(topic))
        {
            throw new RequestRefusedException(
                400, "Not a source topic", $"The topic '{topic}' is written by the system alone. Append to a source topic: {sources}.");
        }

        return new(topic, description.Partitions, await _log.LimitsAsync(topic, cancellationToken));
    }

    /// <summary>Parses a line: <c>{ "key", "value", "timestamp"?, "headers"? }</c>.</summary>
    /// <returns>Null and the record, or what is wrong with the line.</returns>
    public string? Parse(ReadOnlySpan<byte> line, AppendTopic topic, out NewRecord record)
    {
        var now = _time.GetUtcNow();
        return AppendLine.Parse(line, topic.Partitions, _topology.PartitionerOf(topic.Name), now.ToUnixTimeMilliseconds(), out record)
            ?? _limits.FaultOf(record, topic.Limits, now);
    }

    /// <summary>Appends records, and answers the position of each once all are durable.</summary>
    /// <exception cref="RequestRefusedException">The topic does not take one of the records, and none was appended.</exception>
    /// <exception cref="LogUnavailableException">The log cannot take the records now.</exception>
    public async ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken)
    {
        var (limits, now) = (await _log.LimitsAsync(topic, cancellationToken), _time.GetUtcNow());
        foreach (var record in records)
        {
            if (_limits.FaultOf(record, limits, now) is { } fault)
                throw new RequestRefusedException(400, "Bad records", fault);
        }

        return await _log.AppendTracedAsync(topic, records, cancellationToken);
    }

    /// <summary>Appends lines that are checked as a whole first: with a bad line nothing is appended.</summary>
    /// <exception cref="RequestRefusedException">The topic may not be appended to, or there is more than one append takes.</exception>
    internal async Task<AppendReply> AppendLinesAsync(string topic, byte[] lines, CancellationToken cancellationToken)
    {
        var description = await TopicAsync(topic, cancellationToken);
        List<NewRecord> records = [];
        List<BadLineReply> errors = [];
        Parse(lines, description, records, errors);
        return errors.Count > 0
            ? new([], errors)
            : new([.. (await AppendAsync(topic, records, cancellationToken)).Select(PositionReply.From)], []);
    }

    private void Parse(ReadOnlySpan<byte> lines, AppendTopic topic, List<NewRecord> records, List<BadLineReply> errors)
    {
        var number = 0;
        foreach (var range in lines.Split((byte)'\n'))
        {
            if (lines[range].IsEmpty)
                continue;
            if (++number > RecordLimits.MaxLines || (number > 1 && lines.Length > RecordLimits.MaxBytes)
                || lines.Length > MaxLineBytes + RecordLimits.MaxBytes)
            {
                throw new RequestRefusedException(413, "Too much at once",
                    $"{lines.Length} bytes are given, but an append takes {RecordLimits.MaxLines} lines and "
                    + $"{RecordLimits.MaxBytes} bytes, unless it is one line. Send less at once.");
            }

            if (Parse(lines[range], topic, out var record) is { } error)
                errors.Add(new(number, error));
            else
                records.Add(record);
        }
    }
}
