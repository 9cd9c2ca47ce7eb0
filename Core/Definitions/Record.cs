using ActorStreams.Log;

namespace ActorStreams.Definitions;

/// <summary>A decoded record of an entity's topic. Tombstones never reach a fold: they end the entity.</summary>
/// <typeparam name="TEvent">What the value decodes to.</typeparam>
public readonly struct Record<TEvent>
{
    /// <summary>The key: which entity this record is about.</summary>
    public required string Key { get; init; }

    /// <summary>The value.</summary>
    public required TEvent Value { get; init; }

    /// <summary>The record's timestamp: the only clock a definition may read.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>Where the record lies in the log.</summary>
    public Position Position { get; init; }

    /// <summary>The headers, in their order.</summary>
    public IReadOnlyList<RecordHeader> Headers { get => field ?? []; init; }
}
