using ActorStreams.Definitions;
using ActorStreams.Grains.Setup;
using ActorStreams.Log;
using ActorStreams.Partitions.Telemetry;
using ActorStreams.States;

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
    private readonly KeyedAppends _keyed;

    internal RecordAppends(
        Topology topology, ServedTopics served, IChangeLog log, RecordLimits limits, TimeProvider time, KeyedAppends keyed) =>
        (_topology, _served, _log, _limits, _time, _keyed) = (topology, served, log, limits, time, keyed);

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
        await CheckAsync(topic, records, cancellationToken);
        return await _log.AppendTracedAsync(topic, records, cancellationToken);
    }

    /// <summary>
    /// Appends records once, however often they are requested with the same key. It is not cancelled: what is begun is brought to an end.
    /// </summary>
    /// <param name="topic">The topic.</param>
    /// <param name="records">The records.</param>
    /// <param name="caller">Whose key it is; empty where callers are not known.</param>
    /// <param name="idempotencyKey">The key as it was sent.</param>
    /// <param name="sent">What was sent for each record: the same at each request.</param>
    /// <exception cref="RequestRefusedException">400: no key has this form. 422: the key was sent for other records. 409: an append with
    /// the key may be under way. 410: what became of it can no longer be known.</exception>
    /// <exception cref="StoreUnavailableException">The key cannot be claimed now. Nothing was appended.</exception>
    /// <exception cref="LogUnavailableException">The log cannot take the records now. Send the same request again.</exception>
    public async Task<KeyedPositions> AppendOnceAsync(
        string topic, IReadOnlyList<NewRecord> records, string caller, string idempotencyKey, IEnumerable<ReadOnlyMemory<byte>> sent)
    {
        var key = AppendKey.Of(caller, idempotencyKey, topic, sent);
        if (records.Count == 0)
            return new([], false);
        // Marked first: the mark counts for the limits.
        IReadOnlyList<NewRecord> marked = [.. records.Select((record, index) => key.Mark(record, index))];
        await CheckAsync(topic, marked, CancellationToken.None);
        return await _keyed.AppendAsync(topic, marked, key);
    }

    /// <summary>Appends lines that are checked as a whole first: with a bad line nothing is appended.</summary>
    /// <exception cref="RequestRefusedException">The topic may not be appended to, or there is more than one append takes.</exception>
    internal async Task<AppendReply> AppendLinesAsync(
        string topic, byte[] lines, CancellationToken cancellationToken, string? idempotencyKey = null)
    {
        var description = await TopicAsync(topic, cancellationToken);
        List<NewRecord> records = [];
        List<BadLineReply> errors = [];
        Parse(lines, description, records, errors);
        if (errors.Count > 0)
            return new([], errors);
        var positions = idempotencyKey is null
            ? await AppendAsync(topic, records, cancellationToken)
            : (await AppendOnceAsync(topic, records, "", idempotencyKey, Lines(lines))).Positions;
        return new([.. positions.Select(PositionReply.From)], []);
    }

    private async ValueTask CheckAsync(string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken)
    {
        var (limits, now) = (await _log.LimitsAsync(topic, cancellationToken), _time.GetUtcNow());
        foreach (var record in records)
        {
            if (_limits.FaultOf(record, limits, now) is { } fault)
                throw new RequestRefusedException(400, "Bad records", fault);
        }
    }

    private static List<ReadOnlyMemory<byte>> Lines(byte[] lines)
    {
        List<ReadOnlyMemory<byte>> found = [];
        foreach (var range in lines.AsSpan().Split((byte)'\n'))
        {
            if (!lines.AsSpan(range).IsEmpty)
                found.Add(lines.AsMemory(range));
        }

        return found;
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
