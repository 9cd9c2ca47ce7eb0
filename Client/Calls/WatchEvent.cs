using ActorStreams.Protocol;

namespace ActorStreams.Client.Calls;

/// <summary>
/// What a watch yields: the state at first, then every change to it, in order and each once; and the state again where readers are moved
/// to another build of the dataset.
/// </summary>
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
    public ChangePlace? Position { get; init; }

    /// <summary>The build of the dataset that the state is of; 0 from a silo that knows none.</summary>
    public int Build { get; init; }

    /// <summary>What caused the change; null for the first event.</summary>
    public ChangeCause? Cause { get; init; }

    /// <summary>The time of the record that was folded; null for a key that has no state.</summary>
    public DateTimeOffset? Time { get; init; }
}

/// <summary>What a <see cref="WatchEvent{T}"/> tells.</summary>
public enum WatchEventKind
{
    /// <summary>The state as it is when the watch begins, here or at another build.</summary>
    State,

    /// <summary>A change after it.</summary>
    Change,
}
