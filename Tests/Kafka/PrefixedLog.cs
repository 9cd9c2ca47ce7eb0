using System.Runtime.CompilerServices;
using ActorStreams.Kafka;
using ActorStreams.Log;

namespace ActorStreams.Tests.Kafka;

/// <summary>A Kafka log that has brokers for itself, as it seems: its topics have a prefix that nobody sees.</summary>
public sealed class PrefixedLog(KafkaChangeLog inner, string prefix, Func<string, int, IChangeLog, Task> beforeCreate)
    : IChangeLog, IAsyncDisposable
{
    public KafkaChangeLog Inner => inner;

    public string NameOf(string topic) => prefix + topic;

    public TopicPartition NameOf(TopicPartition partition) => new(prefix + partition.Topic, partition.Partition);

    public async ValueTask<IReadOnlyList<TopicDescription>> ListTopicsAsync(CancellationToken cancellationToken = default) =>
    [
        .. (await inner.ListTopicsAsync(cancellationToken)).Where(t => t.Topic.StartsWith(prefix, StringComparison.Ordinal))
            .Select(t => t with { Topic = t.Topic[prefix.Length..] }),
    ];

    public async ValueTask<TopicDescription?> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        await inner.DescribeAsync(NameOf(topic), cancellationToken) is { } found ? found with { Topic = topic } : null;

    public async ValueTask CreateTopicAsync(string topic, int partitions, CancellationToken cancellationToken = default)
    {
        TopicName.Check(topic);
        await beforeCreate(NameOf(topic), partitions, inner);
        await inner.CreateTopicAsync(NameOf(topic), partitions, cancellationToken);
    }

    public ValueTask CheckSourceAsync(string topic, CancellationToken cancellationToken = default) =>
        inner.CheckSourceAsync(NameOf(topic), cancellationToken);

    public ValueTask<TopicLimits> LimitsAsync(string topic, CancellationToken cancellationToken = default) =>
        inner.LimitsAsync(NameOf(topic), cancellationToken);

    public HeldPosition? HeldAt(TopicPartition partition) => inner.HeldAt(NameOf(partition));

    public ValueTask DeleteTopicAsync(string topic, CancellationToken cancellationToken = default) =>
        inner.DeleteTopicAsync(NameOf(topic), cancellationToken);

    public ValueTask CheckDeletableAsync(IReadOnlyList<string> topics, CancellationToken cancellationToken = default) =>
        inner.CheckDeletableAsync([.. topics.Select(NameOf)], cancellationToken);

    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        TopicPartition partition,
        long fromOffset,
        ReadLimits limits,
        LogIdentity? reached = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var batch in inner.ReadAsync(NameOf(partition), fromOffset, limits, reached, cancellationToken))
        {
            yield return new()
            {
                Partition = partition,
                Records = batch.Records,
                NextOffset = batch.NextOffset,
                EndOffset = batch.EndOffset,
                Log = batch.Log,
            };
        }
    }

    public ValueTask<IReadOnlyList<Position>> AppendAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default) =>
        StrippedAsync(topic, inner.AppendAsync(NameOf(topic), records, cancellationToken));

    public ValueTask<IReadOnlyList<Position>> AppendOwnAsync(
        string topic, IReadOnlyList<NewRecord> records, CancellationToken cancellationToken = default) =>
        StrippedAsync(topic, inner.AppendOwnAsync(NameOf(topic), records, cancellationToken));

    // The order of the calls counts: the inner one is made before this is called.
    private static async ValueTask<IReadOnlyList<Position>> StrippedAsync(string topic, ValueTask<IReadOnlyList<Position>> appending) =>
        [.. (await appending).Select(p => p with { Topic = topic })];

    public ValueTask<IReadOnlyList<OffsetRange>> OffsetsAsync(string topic, CancellationToken cancellationToken = default) =>
        inner.OffsetsAsync(NameOf(topic), cancellationToken);

    public long? KnownEnd(TopicPartition partition) => inner.KnownEnd(NameOf(partition));

    public void ReportProgress(string reader, TopicPartition partition, long nextOffset) =>
        inner.ReportProgress(reader, NameOf(partition), nextOffset);

    public ValueTask<long> OffsetAtAsync(TopicPartition partition, DateTimeOffset instant, CancellationToken cancellationToken = default) =>
        inner.OffsetAtAsync(NameOf(partition), instant, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
