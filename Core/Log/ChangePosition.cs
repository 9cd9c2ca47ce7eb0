namespace ActorStreams.Log;

/// <summary>
/// The position of a change among those of one dataset: the record of the input log whose fold made it, and its index among the changes
/// which that record made, since a frame holds many. Written <c>bBuild/partition:offset:index</c>; without an index it stands after all
/// changes of the record.
/// </summary>
/// <param name="Partition">The partition of the input log.</param>
/// <param name="Offset">The record's offset; -1 stands before the first.</param>
/// <param name="Index">The change's index among those of its record, from 0; <see cref="AllOfRecord"/> for all of them.</param>
/// <param name="Build">The build of the dataset; 0 where it is not said. Positions of different builds have no order.</param>
public readonly record struct ChangePosition(int Partition, long Offset, int Index, int Build = 0) : IComparable<ChangePosition>
{
    /// <summary>The index of a position after all changes of a record.</summary>
    public const int AllOfRecord = int.MaxValue;

    /// <summary>The position after every change of the records before an offset.</summary>
    internal static ChangePosition Before(int partition, long offset) => new(partition, offset - 1, AllOfRecord);

    /// <summary>The order of the changes of one partition; positions of different partitions have none.</summary>
    public int CompareTo(ChangePosition other) => Offset != other.Offset ? Offset.CompareTo(other.Offset) : Index.CompareTo(other.Index);

    /// <inheritdoc/>
    public override string ToString()
    {
        var build = Build == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"b{Build}/");
        return Index == AllOfRecord
            ? string.Create(CultureInfo.InvariantCulture, $"{build}{Partition}:{Offset}")
            : string.Create(CultureInfo.InvariantCulture, $"{build}{Partition}:{Offset}:{Index}");
    }

    /// <summary>Reads what <see cref="ToString"/> wrote; false for a text of another form.</summary>
    public static bool TryParse(string text, out ChangePosition position)
    {
        position = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var parts = text[(slash + 1)..].Split(':');
        var (index, build) = (AllOfRecord, 0);
        if (slash >= 0 && !(text[0] == 'b' && int.TryParse(
            text.AsSpan(1, slash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out build)))
            return false;
        if (parts.Length is < 2 or > 3
            || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            || !long.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var offset) || offset < -1
            || (parts.Length == 3 && !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out index)))
        {
            return false;
        }

        position = new(partition, offset, index, build);
        return true;
    }

    /// <summary>Operator form of <see cref="CompareTo"/>.</summary>
    public static bool operator <(ChangePosition left, ChangePosition right) => left.CompareTo(right) < 0;

    /// <summary>Operator form of <see cref="CompareTo"/>.</summary>
    public static bool operator >(ChangePosition left, ChangePosition right) => left.CompareTo(right) > 0;

    /// <summary>Operator form of <see cref="CompareTo"/>.</summary>
    public static bool operator <=(ChangePosition left, ChangePosition right) => left.CompareTo(right) <= 0;

    /// <summary>Operator form of <see cref="CompareTo"/>.</summary>
    public static bool operator >=(ChangePosition left, ChangePosition right) => left.CompareTo(right) >= 0;
}
