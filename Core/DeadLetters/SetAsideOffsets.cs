using System.Buffers;
using ActorStreams.Formats;

namespace ActorStreams.DeadLetters;

/// <summary>
/// The records of one partition that are still to be folded by an entity: those it set aside and that no redrive has folded since, and
/// those that the log had lost before they could be folded. It is what makes a redrive exact: one that names an offset which is not here is
/// a repeat, and one that is folded takes it out. It is a function of the log alone, kept in the checkpoint with the states, so live, batch
/// and rebuild agree; where fixed definitions fold a record at its own place it never comes here, and its redrive is a repeat.
/// </summary>
/// <remarks>
/// Bounded: beyond <see cref="MaxRanges"/> the lowest range is forgotten, and <see cref="KnownFrom"/> says so. What is forgotten
/// can be folded only by a rebuild.
/// </remarks>
internal sealed class SetAsideOffsets(int maxRanges = SetAsideOffsets.MaxRanges)
{
    /// <summary>Ranges of offsets that a partition remembers.</summary>
    internal const int MaxRanges = 10_000;

    private OffsetRanges _setAside = new();
    private OffsetRanges _lost = new();

    /// <summary>Below it, records were set aside of which it is no longer known whether they were redriven.</summary>
    internal long KnownFrom { get; private set; }

    /// <summary>How many are set aside, and not folded since.</summary>
    internal long Count => _setAside.Count;

    internal void Add(long offset)
    {
        _setAside.Append(offset, offset);
        Forget(_setAside);
    }

    /// <summary>Records that the log no longer had: their redrives, should there be any, are the only ones to fold.</summary>
    /// <param name="from">The first of them.</param>
    /// <param name="to">The first that is still kept.</param>
    internal void AddLost(long from, long to)
    {
        if (to <= from)
            return;
        _lost.Append(from, to - 1);
        Forget(_lost);
    }

    internal bool Contains(long offset) => _setAside.Contains(offset) || _lost.Contains(offset);

    /// <summary>Whether it is among those of <see cref="Count"/>: not among those that the log had lost.</summary>
    internal bool IsSetAside(long offset) => _setAside.Contains(offset);

    internal bool Remove(long offset) => _setAside.Remove(offset) || _lost.Remove(offset);

    internal void Write(ArrayBufferWriter<byte> writer)
    {
        writer.WriteVarInt((ulong)KnownFrom);
        _setAside.Write(writer);
        _lost.Write(writer);
    }

    /// <exception cref="InvalidDataException">The bytes are of another form.</exception>
    internal static SetAsideOffsets Read(ref VarIntReader reader) =>
        new() { KnownFrom = (long)reader.ReadVarInt(), _setAside = OffsetRanges.Read(ref reader), _lost = OffsetRanges.Read(ref reader) };

    /// <summary>For a checkpoint of a version that did not remember them.</summary>
    internal static SetAsideOffsets UnknownBefore(long position) => new() { KnownFrom = position };

    private void Forget(OffsetRanges ranges)
    {
        if (ranges.Ranges > maxRanges)
            KnownFrom = Math.Max(KnownFrom, ranges.RemoveLowest() + 1);
    }
}
