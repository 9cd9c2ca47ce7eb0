namespace ActorStreams.Frames;

/// <summary>
/// Where a routed change comes from: an offset of its source's input log, and a running index among what that record made for one view.
/// </summary>
/// <remarks>
/// A stored state that is sent to a new view (backfill, semantics §7) has the offset before its source's position, and an index from
/// <see cref="FirstOfBackfill"/> on that runs over the whole backfill: so it comes after all that is folded, and before all that is not.
/// </remarks>
internal readonly record struct Origin(long Offset, long Index) : IComparable<Origin>
{
    /// <summary>Above every index that a record can come to.</summary>
    internal const long FirstOfBackfill = 1L << 40;

    public int CompareTo(Origin other) => Offset != other.Offset ? Offset.CompareTo(other.Offset) : Index.CompareTo(other.Index);
}
