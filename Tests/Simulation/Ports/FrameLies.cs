using System.Buffers;
using System.Text;
using ActorStreams.Formats;
using ActorStreams.Frames;
using ActorStreams.Log;

namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>How frames are changed on their way into the log; see <see cref="Sabotage"/>.</summary>
internal static class FrameLies
{
    internal static IReadOnlyList<NewRecord> Tell(Simulation simulation, Silo silo, string topic, IReadOnlyList<NewRecord> records)
    {
        if (topic == simulation.Topology.DeadLetterTopic)
            return records;
        if (simulation.Lies(Sabotage.SwappedFrames))
            return Swapped(records);
        if (simulation.Lies(Sabotage.ShiftedIndex) && silo.Number % 2 == 0)
            return Again(records, (_, index) => index + 1);
        if (!simulation.Lies(Sabotage.UnorderedRoutes))
            return records;
        var keys = KeysOfChanges(records);
        return Again(records, (change, index) => IndexOf(keys, change, index, silo));
    }

    private static List<NewRecord> Swapped(IReadOnlyList<NewRecord> records)
    {
        var swapped = records.ToList();
        for (var i = 1; i < swapped.Count; i++)
        {
            if (swapped[i].Partition == swapped[i - 1].Partition)
                (swapped[i], swapped[i - 1]) = (swapped[i - 1], swapped[i]);
        }

        return swapped;
    }

    /// <summary>The view keys of each change that an entity makes, by their index.</summary>
    private static Dictionary<(int Partition, long Offset), SortedDictionary<long, string>> KeysOfChanges(IReadOnlyList<NewRecord> records)
    {
        var keys = new Dictionary<(int, long), SortedDictionary<long, string>>();
        foreach (var record in records)
        {
            var frame = new FrameReader(record.Value!.Value);
            while (frame.NextChange())
            {
                while (frame.Root is null && frame.NextRoute(out _, out var index, out var key))
                {
                    if (!keys.TryGetValue((frame.SourcePartition, frame.Offset), out var routes))
                        keys.Add((frame.SourcePartition, frame.Offset), routes = []);
                    routes[index] = Encoding.UTF8.GetString(key);
                }
            }
        }

        return keys;
    }

    private static long IndexOf(
        Dictionary<(int Partition, long Offset), SortedDictionary<long, string>> keys, (int Partition, long Offset) change, long index,
        Silo silo)
    {
        if (!keys.TryGetValue(change, out var routes))
            return index;
        var ranked = routes.OrderBy(route => Tag.Hash(route.Value, silo.Number)).Select(route => route.Key).ToList();
        return ranked.IndexOf(index);
    }

    /// <summary>The same frames with other indexes, in whose order the routes of each change stand.</summary>
    private static List<NewRecord> Again(IReadOnlyList<NewRecord> records, Func<(int Partition, long Offset), long, long> indexOf) =>
        [.. records.Select(record => record with { Value = Again(record.Value!.Value, indexOf) })];

    private static ReadOnlyMemory<byte> Again(ReadOnlyMemory<byte> bytes, Func<(int Partition, long Offset), long, long> indexOf)
    {
        var frame = new FrameReader(bytes);
        var writer = new ArrayBufferWriter<byte>();
        writer.Write([FrameFormat.Magic, FrameFormat.Version, FrameFormat.Plain]);
        writer.WriteText(frame.Source);
        writer.WriteVarInt((ulong)frame.SourceBuild);
        writer.WriteVarInt((ulong)frame.SourcePartition);
        writer.WriteVarInt((ulong)frame.Epoch);
        var (offset, timestamp) = (0L, 0L);
        while (frame.NextChange())
        {
            WriteChange(writer, frame, frame.Offset - offset, frame.Timestamp - timestamp);
            (offset, timestamp) = (frame.Offset, frame.Timestamp);
            var routes = new SortedDictionary<long, (RouteKind Kind, string Key)>();
            while (frame.NextRoute(out var kind, out var index, out var key))
                routes.Add(indexOf((frame.SourcePartition, frame.Offset), index), (kind, Encoding.UTF8.GetString(key)));
            writer.WriteVarInt((ulong)routes.Count);
            foreach (var (index, route) in routes)
            {
                writer.WriteVarInt((ulong)route.Kind | ((ulong)index << 2));
                writer.WriteText(route.Key);
            }
        }

        return writer.WrittenMemory;
    }

    private static void WriteChange(ArrayBufferWriter<byte> writer, in FrameReader frame, long offset, long timestamp)
    {
        var flags = (frame.Before is null ? 0 : FrameFormat.ChangeFlags.HasBefore)
            | (frame.After is null ? 0 : FrameFormat.ChangeFlags.HasAfter)
            | (frame.Root is null ? FrameFormat.ChangeFlags.RootIsOrigin : 0);
        writer.Write([(byte)flags]);
        writer.WriteSigned(offset);
        writer.WriteSigned(timestamp);
        writer.WriteText(frame.SourceKey);
        if (frame.Root is { } root)
        {
            writer.WriteVarInt(0);
            writer.WriteText(root.Topic);
            writer.WriteVarInt((ulong)root.Partition);
            writer.WriteVarInt((ulong)root.Offset);
        }

        if (frame.Before is { } before)
            writer.WriteBytes(before.Span);
        if (frame.After is { } after)
            writer.WriteBytes(after.Span);
    }
}
