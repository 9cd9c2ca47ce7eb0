using System.Runtime.CompilerServices;
using ActorStreams.Definitions;
using ActorStreams.Log;

namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>The log behind all silos: what has landed.</summary>
internal sealed class SimLog
{
    private readonly Dictionary<TopicPartition, long> _starts = [];

    /// <summary>All that was ever appended.</summary>
    internal InMemoryChangeLog Storage { get; init; } = new();

    internal long End(TopicPartition partition) => Storage.KnownEnd(partition) ?? throw UnknownTopicException.Topic(partition.Topic);

    /// <summary>The first offset that silos can still read.</summary>
    internal long Start(TopicPartition partition) => _starts.GetValueOrDefault(partition);

    internal void RemoveBefore(TopicPartition partition, long offset) => _starts[partition] = Math.Max(Start(partition), offset);

    internal Position Append(string topic, in NewRecord record) => Now(Storage.AppendAsync(topic, [record]))[0];

    internal int PartitionsOf(string topic) => Now(Storage.DescribeAsync(topic))!.Partitions;

    internal IReadOnlyList<ChangeRecord> All(TopicPartition partition) =>
        End(partition) == 0 ? [] : Read(partition, 0, new(int.MaxValue, int.MaxValue)).Records;

    /// <summary>The records from an offset on, where there is at least one.</summary>
    internal RecordBatch Read(TopicPartition partition, long offset, ReadLimits limits, LogIdentity? reached = null)
    {
        var batches = Storage.ReadAsync(partition, offset, limits, reached).GetAsyncEnumerator();
        Assert.True(Now(batches.MoveNextAsync()));
        var batch = batches.Current;
        Now(batches.DisposeAsync());
        return batch;
    }

    internal void CreateTopics(Topology topology)
    {
        foreach (var dataset in topology.Datasets)
            Now(Storage.CreateTopicAsync(dataset.Topic, dataset.Partitions));
        Now(Storage.CreateTopicAsync(topology.DeadLetterTopic, 1));
    }

    /// <summary>The result of a call of the log or store in memory, which never wait.</summary>
    internal static T Now<T>(ValueTask<T> call) =>
        call.IsCompleted ? call.GetAwaiter().GetResult() : throw new InvalidOperationException("It waits.");

    internal static void Now(ValueTask call) => Assert.True(call.IsCompleted, "It waits.");
}

/// <summary>The log as one silo reaches it: every call takes its time, fails, or comes late.</summary>
internal sealed class SimLogPort(Simulation simulation, Silo silo) : IChangeLog
{
    private readonly Dictionary<TopicPartition, long> _knownEnds = [];

    public ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default) =>
        simulation.Log.Storage.ListTopicsAsync(cancellationToken);

    public ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        simulation.Log.Storage.DescribeAsync(topic, cancellationToken);

    public ValueTask<TopicLimits> LimitsAsync(string topic, CancellationToken cancellationToken = default) =>
        simulation.Log.Storage.LimitsAsync(topic, cancellationToken);

    public ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<long> OffsetAtAsync(TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition, long fromOffset, ReadLimits limits, LogIdentity? reached = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var offset = fromOffset; ;)
        {
            var batch = await ReadBatchAsync(partition, offset, limits, reached, cancellationToken).ConfigureAwait(false);
            (offset, reached) = (batch.NextOffset, batch.Log);
            yield return batch;
        }
    }

    public ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default)
    {
        simulation.RequireThread("An append began");
        silo.RequireRunning(records);
        if (simulation.Happens(Faults.Appends, 60))
            return ValueTask.FromException<IReadOnlyList<Position>>(new LogUnavailableException("The log takes nothing now."));
        var call = new AppendCall(simulation, silo, topic, FrameLies.Tell(simulation, silo, topic, records));
        simulation.Begin(call);
        return new(call.Task);
    }

    public ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default) => new(Call(
        new($"offsets of {topic}", Faults.Reads, 60, Unavailable),
        () => (IReadOnlyList<OffsetRange>)
            [.. Enumerable.Range(0, simulation.Log.PartitionsOf(topic)).Select(partition => Know(new(topic, partition)))],
        cancellationToken));

    public long? KnownEnd(TopicPartition partition) => _knownEnds.TryGetValue(partition, out var end) ? end : null;

    private Task<RecordBatch> ReadBatchAsync(
        TopicPartition partition, long offset, ReadLimits limits, LogIdentity? reached, CancellationToken cancellationToken) => Call(
        new($"read {partition}:{offset}", Faults.Reads, 200, Unavailable) { IsReady = () => simulation.Log.End(partition) > offset },
        () =>
        {
            if (Know(partition) is var range && offset < range.Start)
                throw new OffsetOutOfRangeException(partition, offset, range);
            var records = simulation.Random.Next(1, limits.MaxRecords + 1);
            var batch = simulation.Log.Read(partition, offset, limits with { MaxRecords = records }, reached);
            return simulation.Lies(Sabotage.SkippedRecord) && simulation.Random.Next(30) == 0 ? Without(batch) : batch;
        },
        cancellationToken);

    private static RecordBatch Without(RecordBatch batch) => new()
    {
        Partition = batch.Partition, Records = [.. batch.Records.Skip(1)], NextOffset = batch.NextOffset, EndOffset = batch.EndOffset,
        Log = batch.Log,
    };

    private OffsetRange Know(TopicPartition partition) =>
        new(simulation.Log.Start(partition), _knownEnds[partition] = simulation.Log.End(partition));

    private Task<T> Call<T>(CallTerms terms, Func<T> effect, CancellationToken cancellationToken)
    {
        simulation.RequireThread(terms.Name);
        var call = new SimCall<T>(simulation, silo, terms, effect, cancellationToken);
        simulation.Begin(call);
        return call.Task;
    }

    private static LogUnavailableException Unavailable() => new("The log does not answer.");
}
