using ActorStreams.Frames;
using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>
/// What the log or the store refuses for good, each time, until somebody mends it: one record of a source topic leads to it.
/// </summary>
internal sealed class Poison
{
    internal static Poison None { get; } = new();

    /// <summary>The dataset whose partition fails.</summary>
    internal string? Dataset { get; init; }

    /// <summary>The record of its input log.</summary>
    internal TopicPartition Partition { get; init; }

    internal long Offset { get; init; }

    /// <summary>Whether the store refuses the state, and not the log the frame.</summary>
    internal bool IsState { get; init; }

    internal bool IsMended { get; set; }

    internal bool IsActive => Dataset is not null && !IsMended;

    internal bool Refuses(CheckpointWrite write) => IsActive && IsState
        && write.Partition.Dataset == Dataset && write.Partition.Partition == Partition.Partition
        && write.Upserts.Any(state => state.Offset == Offset);

    internal bool Refuses(string topic, in NewRecord record)
    {
        if (!IsActive || IsState || topic == Partition.Topic || record.Key is not null || record.Value is not { } value)
            return false;
        var frame = new FrameReader(value);
        if (frame.Source != Dataset || frame.SourcePartition != Partition.Partition)
            return false;
        while (frame.NextChange())
        {
            if (frame.Offset == Offset)
                return true;
        }

        return false;
    }
}

/// <summary>The log or store will never take this.</summary>
internal sealed class RefusedException(string message) : Exception(message);
