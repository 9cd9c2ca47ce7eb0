namespace ActorStreams.Frames;

/// <summary>
/// Where a routed change comes from: an offset of its source's input log, and a running index among what that record made for one view.
/// </summary>
internal readonly record struct Origin(long Offset, int Index) : IComparable<Origin>
{
    public int CompareTo(Origin other) => Offset != other.Offset ? Offset.CompareTo(other.Offset) : Index.CompareTo(other.Index);
}
