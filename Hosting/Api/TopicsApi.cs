using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;
using ActorStreams.Definitions;
using ActorStreams.Frames;
using ActorStreams.Grains.Reads;
using ActorStreams.Grains.Setup;
using ActorStreams.Grains;
using ActorStreams.Hosting.Security;
using ActorStreams.Log;
using ActorStreams.Protocol;
using Microsoft.AspNetCore.Mvc;

namespace ActorStreams.Hosting.Api;

/// <summary>The log as people can read it: which topics there are, and their records as JSON lines.</summary>
internal static class TopicsApi
{
    private const int DefaultRecords = 100;
    private const int MaxWaitingBatches = 4;

    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static void MapTopics(this IEndpointRouteBuilder api)
    {
        api.MapGet("/topics", async (Catalog catalog, Topology topology, HttpContext http) => Access.Of(http)
            .Topics(await catalog.TopicsAsync(http.RequestAborted), topic => topic.Topic).Select(topic => new TopicInfo(
                topic.Topic,
                catalog.KindOf(topic.Topic),
                [
                    .. topic.Partitions.Select((range, number) => new PartitionOffsets(number, range.Start, range.End)),
                ], topology.PartitionerOf(topic.Topic))))
            .WithTags("log").WithSummary("All topics").WithDescription("The topics of the log, with the offsets of their partitions.")
            .Produces<TopicInfo[]>();
        api.MapGet("/topics/{topic}/records", ReadAsync)
            .WithTags("log").WithSummary("Read a topic")
            .WithDescription(
                "Records as JSON lines; the frames of views' input logs as the changes they hold. "
                + "Without a partition all of them, one after the other. limit counts records of all partitions together; "
                + "follow=true goes on as records come.")
            .Produces(200, contentType: "application/x-ndjson").ProducesProblem(400).ProducesProblem(404);
    }

    private static async Task<IResult> ReadAsync(
        string topic, int? partition, long? from, long? limit, bool? follow, HttpContext http, [FromServices] Catalog catalog,
        [FromServices] ServedTopics served,
        [FromServices] IChangeLog log,
        [FromServices] IHostApplicationLifetime lifetime)
    {
        served.Check(topic);
        var ranges = await log.OffsetsAsync(topic, http.RequestAborted);
        if (partition >= ranges.Count || partition < 0)
            throw UnknownTopicException.Partition(new(topic, partition.Value), ranges.Count);
        if (limit < 1)
            return Problems.Of(400, "Bad limit", $"limit is {limit}, but must be at least 1.");
        var parts = (partition is { } one ? [one] : Enumerable.Range(0, ranges.Count))
            .Select(number => Begin(new(topic, number), ranges[number], from, partition is not null)).ToList();
        http.Response.ContentType = "application/x-ndjson";
        // A stop of the silo must not wait for a client that follows a topic.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        var batches = follow == true ? Follow(log, parts, stop.Token) : Read(log, parts, stop.Token);
        await WriteAsync(
            http, batches, limit ?? (follow == true ? long.MaxValue : DefaultRecords), catalog.KindOf(topic) == TopicKind.Input);
        return Results.Empty;
    }

    private static Part Begin(TopicPartition partition, OffsetRange range, long? from, bool asked)
    {
        var start = from ?? range.Start;
        // An offset belongs to one partition. If the request names none, partitions that end before it are left out.
        return start <= range.End && start >= range.Start ? new(partition, start, range.End)
            : asked ? throw new OffsetOutOfRangeException(partition, start, range)
            : new(partition, Math.Clamp(start, range.Start, range.End), range.End);
    }

    private static async Task WriteAsync(HttpContext http, IAsyncEnumerable<RecordBatch> batches, long limit, bool frames)
    {
        var left = limit;
        await http.Response.StartAsync(http.RequestAborted);
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter, Json);
        try
        {
            await foreach (var batch in batches)
            {
                foreach (var record in batch.Records)
                {
                    if (left-- == 0)
                        return;
                    json.Reset(http.Response.BodyWriter);
                    ReadableRecord.Write(json, batch.Partition, record, frames);
                    await json.FlushAsync(http.RequestAborted);
                    http.Response.BodyWriter.Write("\n"u8);
                }

                await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
                if (left == 0)
                    return;
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has seen enough.
        }
    }

    private static async IAsyncEnumerable<RecordBatch> Read(
        IChangeLog log, List<Part> parts, [EnumeratorCancellation] CancellationToken stop)
    {
        foreach (var part in parts)
        {
            await foreach (var batch in log.ReadRangeAsync(part.Partition, part.From, part.End, ReadLimits.Default, stop))
                yield return batch;
        }
    }

    private static async IAsyncEnumerable<RecordBatch> Follow(
        IChangeLog log, List<Part> parts, [EnumeratorCancellation] CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var channel = Channel.CreateBounded<RecordBatch>(MaxWaitingBatches);
        var readers = parts.Select(async part =>
        {
            await foreach (var batch in log.ReadAsync(part.Partition, part.From, ReadLimits.Default, cancellationToken: end.Token))
                await channel.Writer.WriteAsync(batch, end.Token);
        }).ToList();
        try
        {
            await foreach (var batch in channel.Reader.ReadAllAsync(stop))
                yield return batch;
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(readers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private readonly record struct Part(TopicPartition Partition, long From, long End);
}
