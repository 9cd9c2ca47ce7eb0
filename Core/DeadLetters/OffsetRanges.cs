using System.Buffers;
using ActorStreams.Formats;

namespace ActorStreams.DeadLetters;

/// <summary>
/// A set of offsets as ranges, ascending and apart from each other. Stored form: the number of ranges, then for each, as varints, how far
/// it begins after the end of the one before, and its length.
/// </summary>
internal sealed class OffsetRanges
{
    private readonly List<(long First, long Last)> _ranges = [];

    /// <summary>How many offsets.</summary>
    internal long Count { get; private set; }

    /// <summary>How many ranges.</summary>
    internal int Ranges => _ranges.Count;

    /// <summary>Adds offsets, both ends included, that are all above those there are.</summary>
    internal void Append(long first, long last)
    {
        if (_ranges is [.., var end] && first <= end.Last)
            throw new ArgumentOutOfRangeException(nameof(first), $"{first} is not above {end.Last}, the last offset of the set.");
        Count += last - first + 1;
        if (_ranges is [.., var before] && before.Last == first - 1)
            _ranges[^1] = (before.First, last);
        else
            _ranges.Add((first, last));
    }

    internal bool Contains(long offset) => Find(offset) >= 0;

    /// <summary>Takes an offset out; false when it was not there.</summary>
    internal bool Remove(long offset)
    {
        var at = Find(offset);
        if (at < 0)
            return false;
        var (first, last) = _ranges[at];
        Count--;
        if (first == last)
            _ranges.RemoveAt(at);
        else if (offset == first)
            _ranges[at] = (first + 1, last);
        else if (offset == last)
            _ranges[at] = (first, last - 1);
        else
        {
            _ranges[at] = (first, offset - 1);
            _ranges.Insert(at + 1, (offset + 1, last));
        }

        return true;
    }

    /// <summary>Removes the lowest range, and returns its last offset.</summary>
    internal long RemoveLowest()
    {
        var (first, last) = _ranges[0];
        _ranges.RemoveAt(0);
        Count -= last - first + 1;
        return last;
    }

    internal void Write(ArrayBufferWriter<byte> writer)
    {
        writer.WriteVarInt((ulong)_ranges.Count);
        var at = 0L;
        foreach (var (first, last) in _ranges)
        {
            writer.WriteVarInt((ulong)(first - at));
            writer.WriteVarInt((ulong)(last - first));
            at = last;
        }
    }

    /// <exception cref="InvalidDataException">The bytes are not ranges.</exception>
    internal static OffsetRanges Read(ref VarIntReader reader)
    {
        var ranges = new OffsetRanges();
        var at = 0L;
        for (var left = reader.ReadCount(); left > 0; left--)
        {
            var first = at + (long)reader.ReadVarInt();
            at = first + (long)reader.ReadVarInt();
            if (first < 0 || at < first || (ranges._ranges is [.., var end] && first <= end.Last))
                throw new InvalidDataException($"The stored offsets {first} to {at} are no range above those before.");
            ranges.Append(first, at);
        }

        return ranges;
    }

    /// <summary>The range that has an offset; negative for none.</summary>
    private int Find(long offset)
    {
        var (low, high) = (0, _ranges.Count - 1);
        while (low <= high)
        {
            var middle = low + ((high - low) / 2);
            if (offset < _ranges[middle].First)
                high = middle - 1;
            else if (offset > _ranges[middle].Last)
                low = middle + 1;
            else
                return middle;
        }

        return -1;
    }
}
