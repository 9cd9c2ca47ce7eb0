using ActorStreams.Folding;
using ActorStreams.Frames;

namespace ActorStreams.Partitions.Running;

/// <summary>
/// When a session sends the next stored states to a view that lacks them (semantics §7). Between two chunks it folds what comes in, and
/// rests: backfilling takes at most its share of the partition's time.
/// </summary>
internal sealed class Backfills(PartitionServices services, PartitionFold fold)
{
    private long _begin;
    private TimeSpan _rest;

    /// <summary>The edge to backfill, once it is time; null otherwise.</summary>
    internal EdgeReach? Due => fold.Chunking is null && fold.Backfilling is { } edge && UntilDue == TimeSpan.Zero ? edge : null;

    /// <summary>The time until the next chunk; null when no view lacks anything.</summary>
    internal TimeSpan? UntilDue => fold.Backfilling is null || fold.Chunking is not null ? null
        : _rest - services.Time.GetElapsedTime(_begin) is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero;

    /// <summary>Begins a chunk, and the checkpoint before it.</summary>
    internal void Begin() => (_begin, _rest) = (services.Time.GetTimestamp(), TimeSpan.Zero);

    /// <summary>The chunk is on its way: rests in proportion to what it took.</summary>
    internal void End() => _rest = services.Time.GetElapsedTime(_begin) / services.Options.BackfillShare;
}
