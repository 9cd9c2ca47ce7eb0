using ActorStreams.Log;

namespace ActorStreams.Grains;

/// <summary>A position on the wire.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.PositionReply")]
public sealed record PositionReply([property: Id(0)] string Topic, [property: Id(1)] int Partition, [property: Id(2)] long Offset)
{
    /// <summary>A position of the log.</summary>
    public static PositionReply From(Position position) => new(position.Topic, position.Partition, position.Offset);

    /// <summary>The position of the log.</summary>
    public Position ToPosition() => new(Topic, Partition, Offset);
}

/// <summary>A read request.</summary>
/// <param name="AtLeast">Wait until this position is folded in: of the dataset's own input log, or of a source topic behind it
/// through any number of views.</param>
/// <param name="TimeoutSeconds">How long to wait.</param>
/// <param name="AlsoAtLeast">More positions to wait for, as those of a batch in several partitions.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.ReadRequest")]
public sealed record ReadRequest(
    [property: Id(0)] PositionReply? AtLeast = null, [property: Id(1)] double TimeoutSeconds = 5,
    [property: Id(2)] IReadOnlyList<PositionReply>? AlsoAtLeast = null)
{
    /// <summary>A request that waits for all of these positions.</summary>
    public static ReadRequest For(IReadOnlyList<Position> positions, double timeoutSeconds) => new(
        positions.Count == 0 ? null : PositionReply.From(positions[0]), timeoutSeconds,
        positions.Count < 2 ? null : [.. positions.Skip(1).Select(PositionReply.From)]);

    /// <summary>All positions to wait for.</summary>
    public IReadOnlyList<Position> Positions =>
        AtLeast is null ? [] : [AtLeast.ToPosition(), .. (AlsoAtLeast ?? []).Select(position => position.ToPosition())];
}

/// <summary>A state and where it stands.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.StateReply")]
public sealed record StateReply
{
    /// <summary>The key.</summary>
    [Id(0)]
    public required string Key { get; init; }

    /// <summary>The state as JSON, UTF-8; null when it does not exist.</summary>
    [Id(1)]
    public byte[]? State { get; init; }

    /// <summary>The last position of the input log that the state reflects; offset -1 when nothing is folded yet.</summary>
    [Id(2)]
    public required PositionReply Position { get; init; }

    /// <summary>The timestamp of the last record folded into the state, in milliseconds since 1970 UTC.</summary>
    [Id(3)]
    public long Timestamp { get; init; }

    /// <summary>Records that the partition has still to fold.</summary>
    [Id(4)]
    public long BehindRecords { get; init; }

    /// <summary>Seconds since the partition had nothing left to fold; 0 when it has nothing.</summary>
    [Id(5)]
    public double BehindSeconds { get; init; }

    /// <summary>False when the requested position was not reached in time.</summary>
    [Id(6)]
    public bool Reached { get; init; } = true;

    /// <summary>The position from which a watch that began with this state is resumed.</summary>
    public ChangePosition ToChangePosition() => new(Position.Partition, Position.Offset, ChangePosition.AllOfRecord, Build);

    /// <summary>The build of the dataset; 0 from a silo that knows none.</summary>
    [Id(7)]
    public int Build { get; init; }
}

/// <summary>Where a watch begins.</summary>
/// <param name="SinceOffset">The offset of the last change seen; null for the current state and what follows.</param>
/// <param name="SinceIndex">That change's index among those of its record; all of them, when left out.</param>
/// <param name="Partition">The partition that offset is of; the one that has the key, when left out.</param>
/// <param name="Build">The build that offset is of; 0 for the first one, whose positions said none.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.WatchRequest")]
public sealed record WatchRequest(
    [property: Id(0)] long? SinceOffset = null, [property: Id(1)] int SinceIndex = ChangePosition.AllOfRecord,
    [property: Id(2)] int? Partition = null, [property: Id(3)] int Build = 0)
{
    /// <summary>Reads the text of a position; null is a watch from now on.</summary>
    /// <returns>False, and what is wrong, when the text has another form.</returns>
    public static bool TryParse(string? since, out WatchRequest request, out string? error)
    {
        (request, error) = (new(), null);
        if (since is null)
            return true;
        if (!ChangePosition.TryParse(since, out var position))
        {
            error = $"since is '{since}', but has the form build/partition:offset:index, as b1/0:17:0, as the id of the last event seen.";
            return false;
        }

        request = new(position.Offset, position.Index, position.Partition, position.Build);
        return true;
    }
}

/// <summary>The state with which a watch begins, or one change after it.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.WatchReply")]
public sealed record WatchReply
{
    /// <summary>Set on the first reply of a watch from now on.</summary>
    [Id(0)]
    public StateReply? State { get; init; }

    /// <summary>Set on every other.</summary>
    [Id(1)]
    public ChangeReply? Change { get; init; }
}

/// <summary>One change of a state.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.ChangeReply")]
public sealed record ChangeReply
{
    /// <summary>The key.</summary>
    [Id(0)]
    public required string Key { get; init; }

    /// <summary>The state before as JSON, UTF-8; null when it did not exist.</summary>
    [Id(1)]
    public byte[]? Before { get; init; }

    /// <summary>The state after; null when it no longer exists.</summary>
    [Id(2)]
    public byte[]? After { get; init; }

    /// <summary>The record of the dataset's input log.</summary>
    [Id(3)]
    public required PositionReply Position { get; init; }

    /// <summary>The change's index among those that one record makes: a frame holds many.</summary>
    [Id(4)]
    public int Index { get; init; }

    /// <summary>The position from which a watch is resumed after this change.</summary>
    public ChangePosition ToChangePosition() => new(Position.Partition, Position.Offset, Index, Build);

    /// <summary>The build of the dataset; 0 from a silo that knows none.</summary>
    [Id(8)]
    public int Build { get; init; }

    /// <summary>The record whose folding made the change.</summary>
    [Id(5)]
    public required PositionReply Trigger { get; init; }

    /// <summary>The record of a source topic behind it.</summary>
    [Id(6)]
    public required PositionReply Root { get; init; }

    /// <summary>The root record's timestamp, in milliseconds since 1970 UTC.</summary>
    [Id(7)]
    public long Timestamp { get; init; }
}

/// <summary>A list request.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.ListRequest")]
public sealed record ListRequest([property: Id(0)] string Prefix, [property: Id(1)] string? After, [property: Id(2)] int Limit);

/// <summary>A record to append for an entity.</summary>
/// <param name="Value">The value as JSON, UTF-8; null for a tombstone.</param>
/// <param name="Timestamp">Milliseconds since 1970 UTC; now, when left out.</param>
/// <param name="IdempotencyKey">With a key the same record is appended once, however often it is requested; null for none.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.AppendRequest")]
public sealed record AppendRequest(
    [property: Id(0)] byte[]? Value, [property: Id(1)] long? Timestamp = null, [property: Id(2)] string? IdempotencyKey = null);

/// <summary>A state as the dashboard shows it.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.StateText")]
public sealed record StateText(
    [property: Id(0)] string Key, [property: Id(1)] string? State, [property: Id(2)] string Position, [property: Id(3)] long BehindRecords);

/// <summary>How a partition is doing.</summary>
[GenerateSerializer, Immutable, Alias("ActorStreams.PartitionStatus")]
public sealed record PartitionStatus
{
    /// <summary>The dataset.</summary>
    [Id(0)]
    public required string Dataset { get; init; }

    /// <summary>The partition's number.</summary>
    [Id(1)]
    public required int Partition { get; init; }

    /// <summary>
    /// <c>starting</c>, <c>running</c>, <c>waiting</c> (the log or the store is unreachable; it retries), <c>stopped</c> (at a bad
    /// record), <c>closed</c> or <c>unreachable</c>.
    /// </summary>
    [Id(2)]
    public required string Status { get; init; }

    /// <summary>Why it waits or stopped.</summary>
    [Id(3)]
    public string? Reason { get; init; }

    /// <summary>The next offset to fold.</summary>
    [Id(4)]
    public required long NextOffset { get; init; }

    /// <summary>The end of the input log.</summary>
    [Id(5)]
    public required long EndOffset { get; init; }

    /// <summary>How many states there are.</summary>
    [Id(6)]
    public required long States { get; init; }

    /// <summary>States in memory.</summary>
    [Id(7)]
    public required int TableEntries { get; init; }

    /// <summary>Records still to fold.</summary>
    [Id(8)]
    public required long BehindRecords { get; init; }

    /// <summary>Seconds since there was nothing left to fold.</summary>
    [Id(9)]
    public required double BehindSeconds { get; init; }

    /// <summary>Records folded whose key belongs to another partition of the topic.</summary>
    [Id(10)]
    public long MisplacedRecords { get; init; }

    /// <summary>Whether keys that belong to other partitions may stand here; true also while that is not known.</summary>
    [Id(11)]
    public bool MayHoldMisplacedKeys { get; init; }

    /// <summary>The silo it is on; null when unreachable.</summary>
    [Id(12)]
    public string? Silo { get; init; }

    /// <summary>Records set aside that were not folded since.</summary>
    [Id(13)]
    public long OpenDeadLetters { get; init; }

    /// <summary>Seconds since the last checkpoint, while there is something to write.</summary>
    [Id(14)]
    public double CheckpointAgeSeconds { get; init; }

    /// <summary>The offset before which it has stopped; null unless it has.</summary>
    [Id(15)]
    public long? StoppedAt { get; init; }

    /// <summary>The build of the dataset.</summary>
    [Id(16)]
    public int Build { get; init; }

    /// <summary>The edges to views that are fed from this partition.</summary>
    [Id(17)]
    public IReadOnlyList<EdgeStatus> Edges { get; init; } = [];

    /// <summary>The status of a partition that is unreachable.</summary>
    public static PartitionStatus Unreachable(string dataset, int partition, string reason) => new()
    {
        Dataset = dataset, Partition = partition, Status = "unreachable", Reason = reason, NextOffset = 0, EndOffset = 0, States = 0,
        TableEntries = 0, BehindRecords = 0, BehindSeconds = 0,
    };
}

/// <summary>How far the edge from a partition to a build of a view reaches.</summary>
/// <param name="View">The view.</param>
/// <param name="Build">Which build of it.</param>
/// <param name="IsWhole">Whether it reaches every key; false while stored states are being sent.</param>
/// <param name="Sent">Changes that were sent of stored states.</param>
/// <param name="Passed">Stored states that were sent, also those from which nothing came; 0 once it reaches every key.</param>
[GenerateSerializer, Immutable, Alias("ActorStreams.EdgeStatus")]
public sealed record EdgeStatus(
    [property: Id(0)] string View, [property: Id(1)] int Build, [property: Id(2)] bool IsWhole, [property: Id(3)] long Sent,
    [property: Id(4)] long Passed = 0);

/// <summary>Readers get another build of the dataset than this one. Look up which, and ask that one.</summary>
[GenerateSerializer, Alias("ActorStreams.BuildSupersededException")]
public sealed class BuildSupersededException(string message) : Exception(message);

/// <summary>A watch that must be resumed from the last position seen: its reader was too slow, or the partition moved.</summary>
[GenerateSerializer, Alias("ActorStreams.WatchBrokenException")]
public sealed class WatchBrokenException(string message) : Exception(message);

/// <summary>A watch that cannot be resumed at the requested position, which is after the end of the log.</summary>
[GenerateSerializer, Alias("ActorStreams.WatchPositionException")]
public sealed class WatchPositionException(string message) : Exception(message);

/// <summary>The partition cannot answer now: it is starting, or its log or store is unreachable. Try again.</summary>
[GenerateSerializer, Alias("ActorStreams.PartitionUnavailableException")]
public sealed class PartitionUnavailableException(string message) : Exception(message);
