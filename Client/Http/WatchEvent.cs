using ActorStreams.Log;

namespace ActorStreams.Client;

/// <summary>What a watch yields: the state at first, then every change to it, in order and each once.</summary>
/// <typeparam name="T">What the states are read as.</typeparam>
public sealed record WatchEvent<T>
{
    /// <summary>Whether this is the state the watch begins with, or a change.</summary>
    public required WatchEventKind Kind { get; init; }

    /// <summary>The position from which a later watch resumes after this event: pass it as <c>since</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The key.</summary>
    public required string Key { get; init; }

    /// <summary>The state before the change; null when the key had none, and for the first event.</summary>
    public T? Before { get; init; }

    /// <summary>The state now; null when the key has none.</summary>
    public T? After { get; init; }

    /// <summary>The change's place; null for the state of a key that never had a change.</summary>
    public ChangePosition? Position { get; init; }

    /// <summary>What caused the change; null for the first event.</summary>
    public ChangeCause? Cause { get; init; }

    /// <summary>The time of the record that was folded; null for a key that has no state.</summary>
    public DateTimeOffset? Time { get; init; }
}

/// <summary>What a <see cref="WatchEvent{T}"/> tells.</summary>
public enum WatchEventKind
{
    /// <summary>The state as it is when the watch begins.</summary>
    State,

    /// <summary>A change after it.</summary>
    Change,
}

/// <summary>The place of a change: one record may cause several, distinguished by <paramref name="Index"/>.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Partition">The partition's number.</param>
/// <param name="Offset">The record's offset.</param>
/// <param name="Index">The change's number within the record, from 0.</param>
public sealed record ChangePosition(string Topic, int Partition, long Offset, int Index);

/// <summary>Why a change happened.</summary>
/// <param name="Trigger">The record that was folded.</param>
/// <param name="Root">The record of a source topic at which the chain of causes begins.</param>
public sealed record ChangeCause(Position Trigger, Position Root);
