using System.Net;
using System.Runtime.CompilerServices;
using ActorStreams.Client.Calls;
using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading;

/// <summary>Where each partition of a topic begins and ends, as last heard, and what lies between.</summary>
internal sealed class TopicEnds(ActorStreamsClient client, string topic)
{
    private const int PageRecords = 1_000;

    private readonly Dictionary<int, long> _ends = [];

    /// <summary>The topic.</summary>
    public string Topic => topic;

    /// <summary>The first offset kept of each partition.</summary>
    public IReadOnlyList<PartitionOffsets> Partitions { get; private set; } = [];

    /// <summary>How its producers choose a key's partition.</summary>
    public KeyPartitioner Partitioner { get; private set; }

    public Dictionary<int, long> Copy() => new(_ends);

    /// <summary>Asks the silo.</summary>
    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        var topics = await client.TopicsAsync(cancellationToken).ConfigureAwait(false);
        var found = topics.FirstOrDefault(t => t.Topic == topic) ?? throw new ActorStreamsException(
            $"There is no topic '{topic}' at {client.Transport.Place}. It has "
            + $"{string.Join(", ", topics.Where(t => t.Kind == TopicKind.Source).Select(t => $"'{t.Topic}'"))}.",
            HttpStatusCode.NotFound);
        Partitioner = found.Partitioner;
        Partitions = [.. found.Partitions.OrderBy(p => p.Partition)];
        foreach (var partition in Partitions)
            _ends[partition.Partition] = partition.End;
    }

    /// <summary>Records what was appended, so that the silo need not be queried again.</summary>
    public void Advance(IEnumerable<Position> appended)
    {
        foreach (var position in appended)
            _ends[position.Partition] = Math.Max(_ends.GetValueOrDefault(position.Partition), position.Offset + 1);
    }

    /// <summary>The records of a partition in a range of offsets, page by page.</summary>
    public async IAsyncEnumerable<LogRecord> ReadRecordsAsync(
        int partition, long from, long end, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (from < end)
        {
            var next = from;
            await foreach (var record in client.ReadRecordsAsync(
                topic, partition, from, PageRecords, cancellationToken: cancellationToken).ConfigureAwait(false))
            {
                next = record.Offset + 1;
                if (next > end)
                    yield break;
                yield return record;
            }

            if (next == from)
                yield break; // offsets may have gaps, and here is one at the end
            from = next;
        }
    }
}
