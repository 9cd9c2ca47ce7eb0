using System.Runtime.CompilerServices;
using ActorStreams.Log;

namespace ActorStreams.Tests.Partitions;

/// <summary>
/// The in-memory log with faults that a test sets: appends that fail, an end that this process knows late, and counted reads.
/// </summary>
internal sealed class FaultyLog : IChangeLog
{
    private readonly InMemoryChangeLog _log = new();
    private int _appends;
    private int _readsFromBeginning;
    private int _offsetQueries;

    /// <summary>The failure of the appends to a topic; null where they succeed.</summary>
    internal Func<string, IReadOnlyList<NewRecord>, Exception?> AppendFault { get; set; } = (_, _) => null;

    /// <summary>The end that this process knows; by default the real one.</summary>
    internal long? StaleEnd { get; set; }

    /// <summary>Appends that were tried.</summary>
    internal int Appends => Volatile.Read(ref _appends);

    /// <summary>Reads that began at offset 0.</summary>
    internal int ReadsFromBeginning => Volatile.Read(ref _readsFromBeginning);

    /// <summary>Questions for the offsets of a topic.</summary>
    internal int OffsetQueries => Volatile.Read(ref _offsetQueries);

    public ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default) =>
        _log.ListTopicsAsync(cancellationToken);

    public ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        _log.DescribeAsync(topic, cancellationToken);

    public ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default) =>
        _log.CreateTopicAsync(topic, partitions, cancellationToken);

    public ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default) =>
        _log.DeleteTopicAsync(topic, cancellationToken);

    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition, long fromOffset, ReadLimits limits, LogIdentity? reached = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (fromOffset == 0)
            Interlocked.Increment(ref _readsFromBeginning);
        await foreach (var batch in _log.ReadAsync(partition, fromOffset, limits, reached, cancellationToken))
            yield return batch;
    }

    public ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _appends);
        return AppendFault(topic, records) is { } fault
            ? ValueTask.FromException<IReadOnlyList<Position>>(fault)
            : _log.AppendAsync(topic, records, cancellationToken);
    }

    public ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _offsetQueries);
        return _log.OffsetsAsync(topic, cancellationToken);
    }

    public long? KnownEnd(TopicPartition partition) => StaleEnd ?? _log.KnownEnd(partition);

    public ValueTask<long> OffsetAtAsync(TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default) =>
        _log.OffsetAtAsync(partition, instant, cancellationToken);
}
