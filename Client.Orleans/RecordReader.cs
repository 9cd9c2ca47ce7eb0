using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using ActorStreams.Client.Calls;
using ActorStreams.Grains;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Cluster;

/// <summary>Reads a topic answer by answer, each of a bounded size; to follow it, with calls that wait at its end.</summary>
internal sealed class RecordReader(ClusterCalls calls, Func<ICatalogGrain> catalog, TopicInfo topic)
{
    private const int MaxRecords = 1_000;
    private const int MaxWaitingRecords = 1_000;
    private const double FollowSeconds = 10;

    /// <summary>
    /// Where to begin. An offset belongs to one partition. If the request names none, partitions that end before it are left out.
    /// </summary>
    internal List<(int Partition, long From, long End)> Parts(int? partition, long? from)
    {
        if (partition < 0 || partition >= topic.Partitions.Count)
        {
            throw new ActorStreamsException(
                $"Topic '{topic.Topic}' has {topic.Partitions.Count} partitions, numbered from 0: there is no partition {partition}.",
                HttpStatusCode.NotFound, "No such topic");
        }

        return [.. topic.Partitions.Where(one => partition is null || one.Partition == partition)
            .Select(one =>
                (one.Partition, partition is null ? Math.Clamp(from ?? one.Start, one.Start, one.End) : from ?? one.Start, one.End))];
    }

    /// <summary>One partition after the other, up to the ends as they were.</summary>
    internal async IAsyncEnumerable<LogRecord> ReadAsync(
        List<(int Partition, long From, long End)> parts, long limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (partition, from, end) in parts)
        {
            // At least once, so that an offset that is out of range is reported.
            var next = from;
            do
            {
                var (records, after) = await AskAsync(
                    partition, next, (int)Math.Min(limit, MaxRecords), 0, cancellationToken).ConfigureAwait(false);
                foreach (var record in records.TakeWhile(record => record.Offset < end))
                {
                    limit--;
                    yield return record;
                }

                if (after <= next)
                    break;
                next = after;
            }
            while (next < end);
        }
    }

    /// <summary>All partitions side by side, for as long as it is wanted.</summary>
    internal async IAsyncEnumerable<LogRecord> FollowAsync(
        List<(int Partition, long From, long End)> parts, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var channel = Channel.CreateBounded<LogRecord>(MaxWaitingRecords);
        var readers = parts.Select(part => FollowAsync(part.Partition, part.From, channel.Writer, end.Token)).ToList();
        try
        {
            await foreach (var record in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return record;
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(readers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task FollowAsync(int partition, long next, ChannelWriter<LogRecord> writer, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                (var records, next) = await AskAsync(partition, next, MaxRecords, FollowSeconds, cancellationToken).ConfigureAwait(false);
                foreach (var record in records)
                    await writer.WriteAsync(record, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            // The reader of the channel receives the failure; the other partitions end with it.
            writer.TryComplete(e);
        }
    }

    private async Task<(List<LogRecord> Records, long Next)> AskAsync(
        int partition, long from, int limit, double waitSeconds, CancellationToken cancellationToken)
    {
        var request = new RecordsRequest(topic.Topic, partition, from, limit, waitSeconds);
        var reply = await calls.AskAsync(() => catalog().ReadRecords(request, cancellationToken), cancellationToken).ConfigureAwait(false);
        List<LogRecord> records = [];
        foreach (var range in reply.Lines.AsSpan().Split((byte)'\n'))
        {
            if (reply.Lines.AsSpan(range) is { IsEmpty: false } line)
                records.Add(JsonSerializer.Deserialize<LogRecord>(line, WireJson.Options)!);
        }

        return (records, reply.Next);
    }
}
