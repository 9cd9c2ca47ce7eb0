using ActorStreams.Frames;
using ActorStreams.Kafka;
using ActorStreams.Kafka.Clients;
using ActorStreams.Log;

namespace ActorStreams.Tests.Cluster;

/// <summary>
/// Whether a view's input log kept what Kafka promises: what one producer sends to one partition lands in order. The mock cluster does not
/// look at sequence numbers, so a batch that it refused may land behind a later one; a change that comes for the first time below its mark
/// is lost to the view, and no fault of ours.
/// </summary>
internal static class FrameOrder
{
    /// <returns>Changes that came for the first time behind a later one of the same origin.</returns>
    internal static async Task<int> LateChangesAsync(string bootstrapServers, string topic)
    {
        await using var log = OpenLog(bootstrapServers);
        var late = 0;
        var ranges = await log.OffsetsAsync(topic);
        for (var partition = 0; partition < ranges.Count; partition++)
        {
            var (marks, seen) = (new Marks(), new HashSet<(int Source, Origin Origin)>());
            await foreach (var batch in log.ReadRangeAsync(
                new(topic, partition), ranges[partition].Start, ranges[partition].End, ReadLimits.Default))
            {
                foreach (var record in batch.Records)
                    late += Late(record.Value!.Value, marks, seen);
            }
        }

        return late;
    }

    /// <summary>The log as a reader of it, on brokers that may be the mock: it has no settings and no ids to check.</summary>
    internal static KafkaChangeLog OpenLog(string bootstrapServers) => KafkaChangeLog.Open(new()
    {
        BootstrapServers = bootstrapServers, ChecksTopicSettings = false, Consumer = { ["fetch.wait.max.ms"] = "10" },
    });

    private static int Late(ReadOnlyMemory<byte> value, Marks marks, HashSet<(int Source, Origin Origin)> seen)
    {
        var late = 0;
        var frame = new FrameReader(value);
        var counts = marks.Admits(frame.Source, frame.SourcePartition, frame.Epoch);
        while (counts && frame.NextChange())
        {
            while (frame.NextRoute(out _, out var index, out _))
            {
                var origin = new Origin(frame.Offset, index);
                var isNew = seen.Add((frame.SourcePartition, origin));
                if (!marks.Raise(frame.Source, frame.SourcePartition, origin) && isNew)
                    late++;
            }
        }

        return late;
    }
}
