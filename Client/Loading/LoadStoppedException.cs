using ActorStreams.Client.Calls;
using ActorStreams.Client.Loading.Git;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Loading;

/// <summary>A load could not be finished. What it appended stays; once the reason is gone, load the same source again and resume.</summary>
public sealed class LoadStoppedException(string reason, long appended, Exception? innerException = null) : ActorStreamsException(
    $"{reason} {appended:N0} records were appended and stay. Load the same input with --resume to go on after them.",
    innerException: innerException)
{
    /// <summary>How many records the load appended.</summary>
    public long Appended { get; } = appended;
}

/// <summary>
/// The topic holds a record that the load did not put there: it has another writer, or other content. Load into a topic of its own.
/// </summary>
public sealed class ForeignRecordException(string topic, int partition, long offset, string? key) : ActorStreamsException(
    $"The record at {topic}/{partition}:{offset} (key '{key}') is not the input's next record for its place: "
    + $"something else wrote to topic '{topic}', "
    + "or it was loaded from another input. A load is exact only as the topic's only writer. Load into a topic of its own.");
