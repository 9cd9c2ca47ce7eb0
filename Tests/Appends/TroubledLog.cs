using System.Runtime.CompilerServices;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Appends;

/// <summary>What becomes of one append.</summary>
internal enum Fate
{
    /// <summary>It lands and is answered.</summary>
    Lands,

    /// <summary>Nothing of it lands, and it fails.</summary>
    Fails,

    /// <summary>It lands, and fails all the same.</summary>
    LandsUnanswered,

    /// <summary>It fails, and lands when time has passed.</summary>
    LandsLater,
}

/// <summary>A log in memory that silos share, on which appends can be lost, unanswered, late, or land in part.</summary>
internal sealed class TroubledLog(InMemoryChangeLog log, TimeProvider time) : IChangeLog
{
    private readonly List<(DateTimeOffset At, string Topic, IReadOnlyList<NewRecord> Records)> _late = [];

    internal static TimeSpan Longest { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Decides the fate of an append, how many of its records are concerned, and how long it is under way.</summary>
    internal Func<int, (Fate Fate, int Records, TimeSpan UnderWay)> Decide { get; set; } = count => (Fate.Lands, count, default);

    /// <summary>Records that readers are not given although they are in the log.</summary>
    internal int Held { get; set; }

    public TimeSpan? LongestAppend { get; init; } = Longest;

    /// <summary>Lets land what is due by now.</summary>
    internal async Task LandAsync()
    {
        foreach (var append in _late.Where(append => append.At <= time.GetUtcNow()).ToList())
        {
            _late.Remove(append);
            await log.AppendAsync(append.Topic, append.Records);
        }
    }

    public async ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default)
    {
        await LandAsync();
        var (fate, count, underWay) = Decide(records.Count);
        if (fate == Fate.LandsLater)
            _late.Add((time.GetUtcNow() + underWay, topic, [.. records.Take(count)]));
        var positions = fate switch
        {
            Fate.Lands => await log.AppendAsync(topic, records, cancellationToken),
            Fate.LandsUnanswered => await log.AppendAsync(topic, [.. records.Take(count)], cancellationToken),
            _ => [],
        };
        return fate == Fate.Lands ? positions : throw new LogUnavailableException($"The append {fate}.");
    }

    public async ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default) =>
        [.. (await log.OffsetsAsync(topic, cancellationToken)).Select(range => range with { End = range.End - Held })];

    public async ValueTask<IReadOnlyList<long>> WrittenEndsAsync(string topic, CancellationToken cancellationToken = default)
    {
        await LandAsync();
        return [.. (await log.OffsetsAsync(topic, cancellationToken)).Select(range => range.End)];
    }

    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition, long fromOffset, ReadLimits limits, LogIdentity? reached = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (Held > 0)
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        await foreach (var batch in log.ReadAsync(partition, fromOffset, limits, reached, cancellationToken))
            yield return batch;
    }

    public long? KnownEnd(TopicPartition partition) => Held > 0 ? null : log.KnownEnd(partition);

    public ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default) =>
        log.ListTopicsAsync(cancellationToken);

    public ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        log.DescribeAsync(topic, cancellationToken);

    public ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default) =>
        log.CreateTopicAsync(topic, partitions, cancellationToken);

    public ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default) =>
        log.DeleteTopicAsync(topic, cancellationToken);

    public ValueTask<long> OffsetAtAsync(TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default) =>
        log.OffsetAtAsync(partition, instant, cancellationToken);
}

/// <summary>Keys that silos share, with a store that can fail before and after it has written.</summary>
internal sealed class TroubledKeys(IAppendKeys keys) : IAppendKeys
{
    /// <summary>Called before each write, and again after it: what throws is the failure.</summary>
    internal Action<bool> Fault { get; set; } = _ => { };

    public async ValueTask<StoredAppendKey?> AddAsync(
        AppendKeyWrite write, CancellationToken cancellationToken = default)
    {
        Fault(false);
        var found = await keys.AddAsync(write, cancellationToken);
        Fault(true);
        return found;
    }

    public async ValueTask<bool> ReplaceAsync(
        Guid expected, AppendKeyWrite write, CancellationToken cancellationToken = default)
    {
        Fault(false);
        var replaced = await keys.ReplaceAsync(expected, write, cancellationToken);
        Fault(true);
        return replaced;
    }

    public ValueTask<int> DeleteExpiredAsync(int limit, CancellationToken cancellationToken = default) =>
        keys.DeleteExpiredAsync(limit, cancellationToken);
}
