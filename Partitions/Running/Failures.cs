using ActorStreams.Log;
using ActorStreams.States;

namespace ActorStreams.Partitions.Running;

/// <summary>
/// The failures of a partition since its last checkpoint, and what follows from them (semantics §4). The pause grows with each failure in a
/// row, and only a checkpoint that was written resets it. After a failure that may come again, records are folded and stored one by one up
/// to where it happened, so that the failing one is known; a partition that fails <see cref="MaxAtOnePlace"/> times at one record stops.
/// </summary>
internal sealed class Failures(StreamsOptions options)
{
    /// <summary>Failures at one record after which the partition stops.</summary>
    internal const int MaxAtOnePlace = 3;

    private long _place = -1;

    /// <summary>Failures since a checkpoint was last written.</summary>
    internal int InARow { get; private set; }

    /// <summary>Failures at the present place, not counting those that pass by themselves.</summary>
    internal int AtPlace { get; private set; }

    /// <summary>The offset up to which the next session is to be careful; 0 for not at all.</summary>
    internal long CarefulUpTo { get; private set; }

    /// <summary>True when the partition has failed so often at one record that it is to stop before it.</summary>
    internal bool IsHopeless => AtPlace >= MaxAtOnePlace;

    /// <summary>The wait before the next session.</summary>
    internal TimeSpan Pause => InARow == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(
        Math.Min(options.MaxRetrySeconds, options.MinRetrySeconds * Math.Pow(2, Math.Min(InARow - 1, 30))));

    /// <summary>
    /// True for a failure of the surroundings: the log or the store is unreachable, or lacks records. It ends when they are back.
    /// </summary>
    internal static bool IsOutside(Exception error) => error is LogUnavailableException or StoreUnavailableException
        or UnknownTopicException or OffsetOutOfRangeException or LogChangedException;

    /// <summary>Counts a failure.</summary>
    /// <param name="error">What failed.</param>
    /// <param name="stored">The position of the checkpoint from which the next session begins.</param>
    /// <param name="folded">How far the session had folded.</param>
    internal void Add(Exception error, long stored, long folded)
    {
        InARow++;
        if (IsOutside(error))
            return;
        AtPlace = stored == _place ? AtPlace + 1 : 1;
        _place = stored;
        // A batch that failed half-way ends at most a batch later.
        CarefulUpTo = Math.Max(CarefulUpTo, Math.Max(stored, folded) + options.BatchRecords);
    }

    /// <summary>The record at this place is to be set aside by order of an operator: one more failure there stops it again.</summary>
    internal void TryOnce() => AtPlace = Math.Min(AtPlace, MaxAtOnePlace - 1);

    /// <summary>A checkpoint was written, or there is nothing left to fold.</summary>
    internal void Clear(long stored)
    {
        InARow = 0;
        if (stored != _place)
            AtPlace = 0;
        if (stored >= CarefulUpTo)
            CarefulUpTo = 0;
    }
}
