using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using ActorStreams.Definitions;
using ActorStreams.Frames;
using ActorStreams.Partitions.Telemetry;
using ActorStreams.Grains.Setup;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Grains.Reads;

/// <summary>What concerns no single key, for the HTTP API and the catalog grain alike.</summary>
public sealed class Catalog(Topology topology, ServedTopics served, IChangeLog log, DatasetReads reads, TimeProvider clock)
{
    private const int MaxLines = 1_000;
    private const int MaxBytes = 1 << 20;
    private const double MaxWaitSeconds = 10;

    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What a topic is to the topology.</summary>
    public TopicKind KindOf(string topic) =>
        topic == topology.DeadLetterTopic ? TopicKind.DeadLetters
        : topology.IsWrittenByUs(topic) ? TopicKind.Input
        : topology.SourceTopics.Contains(topic) ? TopicKind.Source : TopicKind.Unknown;

    /// <summary>The datasets, sources first; with their status on request, which queries every partition.</summary>
    public async Task<IReadOnlyList<DatasetReply>> DatasetsAsync(bool withStatus) =>
        await Task.WhenAll(topology.Datasets.Select(async dataset => new DatasetReply
        {
            Name = dataset.Name,
            Kind = Words.Of(dataset.Kind),
            Version = dataset.Version,
            Build = dataset.Build,
            Topic = dataset.Topic,
            Partitions = dataset.Partitions,
            Sources = [.. dataset.Sources.Select(source => source.Name)],
            Partitioner = Words.Of(dataset.Partitioner),
            Status = withStatus ? StatusOf(await reads.StatusAsync(dataset)) : null,
        }));

    /// <summary>The topics that are served, with the offsets of their partitions.</summary>
    public async Task<IReadOnlyList<TopicReply>> TopicsAsync(CancellationToken cancellationToken)
    {
        var topics = new List<TopicReply>();
        foreach (var topic in (await log.ListTopicsAsync(cancellationToken)).Where(topic => served.Contains(topic.Topic)))
        {
            var ranges = await log.OffsetsAsync(topic.Topic, cancellationToken);
            topics.Add(new(
                topic.Topic, Words.Of(KindOf(topic.Topic)),
                Words.Of(topology.PartitionerOf(topic.Topic)), [.. ranges.Select(range => new OffsetsReply(range.Start, range.End))]));
        }

        return topics;
    }

    /// <summary>A page of a dataset's states in key order: up to the limit, 1,000 states or 1 MiB, but one at least.</summary>
    /// <exception cref="RequestRefusedException">There is no such dataset, or the limit is below 1.</exception>
    public async Task<StatePageReply> ListAsync(string name, ListRequest request, CancellationToken cancellationToken)
    {
        if (!topology.TryGet(name, out var dataset))
            throw Refusals.NoSuchDataset(topology, name);
        if (request.Limit < 1)
            throw new RequestRefusedException(400, "Bad limit", $"limit is {request.Limit}, but must be at least 1.");
        var asked = request with { Limit = Math.Min(request.Limit, MaxLines) };
        var states = await reads.ListAsync(dataset, asked, cancellationToken);
        var (count, bytes) = (0, 0L);
        while (count < states.Count && (count == 0 || bytes + states[count].State!.Length <= MaxBytes))
            bytes += states[count++].State!.Length;
        return new([.. states.Take(count)], count == asked.Limit || count < states.Count ? states[count - 1].Key : null);
    }

    /// <summary>As much as one answer holds of a partition from an offset on.</summary>
    /// <exception cref="UnknownTopicException">There is no such topic or partition.</exception>
    /// <exception cref="OffsetOutOfRangeException">The offset lies before the first one kept, or after the end.</exception>
    public async Task<RecordsReply> ReadRecordsAsync(RecordsRequest request, CancellationToken cancellationToken)
    {
        served.Check(request.Topic);
        var (partition, ranges) =
            (new TopicPartition(request.Topic, request.Partition), await log.OffsetsAsync(request.Topic, cancellationToken));
        if (request.Partition < 0 || request.Partition >= ranges.Count)
            throw UnknownTopicException.Partition(partition, ranges.Count);
        var range = ranges[request.Partition];
        if (request.From < range.Start || request.From > range.End)
            throw new OffsetOutOfRangeException(partition, request.From, range);
        if (request.From == range.End && request.WaitSeconds <= 0)
            return new([], request.From);
        using var time = new CancellationTokenSource(
            request.From == range.End ? TimeSpan.FromSeconds(Math.Min(request.WaitSeconds, MaxWaitSeconds)) : Timeout.InfiniteTimeSpan,
            clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            await foreach (var batch in log.ReadAsync(
                partition, request.From, new(Math.Clamp(request.MaxRecords, 1, MaxLines), MaxBytes), cancellationToken: limit.Token))
                return Write(batch, KindOf(request.Topic) == TopicKind.Input);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nothing has arrived. The caller repeats the call.
        }

        return new([], request.From);
    }

    /// <summary>The status of a dataset: sums over its partitions, and the most severe status among them.</summary>
    public static DatasetStatusReply StatusOf(PartitionStatus[] partitions)
    {
        var worst = partitions.MaxBy(partition => Words.TryParse<PartitionState>(partition.Status, out var state)
            ? state
            : PartitionState.Unknown)!;
        return new(
            partitions.Sum(partition => partition.States), partitions.Sum(partition => partition.BehindRecords),
            partitions.Max(partition => partition.BehindSeconds),
            worst.Status, worst.Reason, partitions.Sum(partition => partition.MisplacedRecords));
    }

    private static RecordsReply Write(RecordBatch batch, bool frames)
    {
        var lines = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(lines, Json);
        foreach (var record in batch.Records)
        {
            if (lines.WrittenCount > MaxBytes)
                return new(lines.WrittenSpan.ToArray(), record.Offset);
            json.Reset(lines);
            ReadableRecord.Write(json, batch.Partition, record, frames);
            json.Flush();
            lines.Write("\n"u8);
        }

        return new(lines.WrittenSpan.ToArray(), batch.NextOffset);
    }
}
